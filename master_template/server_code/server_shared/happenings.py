"""What one area tells the others, in the transaction in which it happens.

An area that has something to say calls ``tell``; one that wants to act on it registers a function
by ``listen`` while its module is imported. Listeners run at once, in the teller's transaction, so
that there is both or neither; what takes long, or speaks to the outside, they put into the outbox.
Areas that listen to each other so need not import each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

# Name -> the facts that come with it, by the names of arguments. ``contact`` is a row.
HAPPENINGS: dict[str, tuple[str, ...]] = {
    "contact_created": ("contact",),
    # ``before`` has the former values of the columns that changed.
    "contact_changed": ("contact", "before"),
    # Everything of ``merge`` is about to be handed over to ``contact``.
    "contacts_merging": ("contact", "merge"),
    "segment_entered": ("contact", "segment"),
    "segment_left": ("contact", "segment"),
    "lead_captured": ("contact", "form"),
    "transaction_recorded": ("contact", "transaction_type", "transaction_id", "amount_cents"),
    "booking_created": ("contact", "booking"),
    "booking_completed": ("contact", "booking"),
    "booking_cancelled": ("contact", "booking"),
    "order_placed": ("contact", "order"),
    "review_submitted": ("contact", "review"),
    "referral_rewarded": ("contact", "referral"),
    "unsubscribed": ("contact", "email"),
    # A mail of the ledger was sent, skipped or failed, or nobody knows.
    "mail_settled": ("send",),
    # A row of mail_events about it: delivered, opened, clicked, bounced, ...
    "mail_event": ("send", "event"),
    # A row about a person who is erased is about to lose these columns; ``table`` is its name.
    "row_erased": ("table", "row", "columns"),
    # Someone allowed marketing, or took that back; ``given_by`` is person or business.
    "marketing_consent": ("contact", "is_given", "given_by"),
}

Listener = Callable[..., None]
Registered = TypeVar("Registered", bound=Listener)

# Filled while modules are imported, constant afterwards.
_listeners: dict[str, list[Listener]] = {name: [] for name in HAPPENINGS}


def listen(name: str) -> Callable[[Registered], Registered]:
    """Have a function called with the facts of what is told under this name."""
    if name not in HAPPENINGS:
        raise ValueError(f"Nothing is told under the name {name!r}.")

    def register(function: Registered) -> Registered:
        _listeners[name].append(function)
        return function

    return register


def tell(name: str, **facts: Any) -> None:
    """Tell those who listen. Call it inside a transaction; what a listener raises ends it."""
    if name not in HAPPENINGS or set(facts) != set(HAPPENINGS[name]):
        raise ValueError(f"{name!r} takes {HAPPENINGS.get(name)}, not {sorted(facts)}.")
    for listener in _listeners[name]:
        listener(**facts)
