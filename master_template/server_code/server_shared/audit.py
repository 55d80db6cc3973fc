"""The audit log: who did what to which thing, and what it was before and after.

A change records its own entry, in its own transaction:

    audit.record("update", "contact", "C-12", {"email": ["old@x.example", "new@x.example"]})

``server_callable(audit="contact.update")`` makes sure of it: a call that leaves no such entry has
failed, and nothing of it stays. One that found nothing to do says so with :func:`unchanged`.

A read of what is sensitive is declared (``audit=Reads("contact.export", of="contact_id")``), and
the guard of the callable records it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from anvil.tables import app_tables

from ..server_auth.rbac import Actor, current_actor
from . import clock

# Columns that no entry may show the values of.
_SECRET_NAME = re.compile(
    r"password|secret|token|recovery_code|_hash$|_key$|_encrypted$|^mfa$|remembered_logins"
)
HIDDEN = "hidden"
MAX_TEXT_CHARS = 500
_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")

# Tables that hold nothing of the business, only what the product keeps for itself: a callable that
# writes nothing else needs no entry. Each with the reason.
HOUSEKEEPING: dict[str, str] = {
    "callable_metrics": "how often callables are called, and how that ends",
    "dashboard_cache": "figures that are worked out again when they are an hour old",
    "email_log": "a log itself: of mails that go out for a change which has its entry",
    "scheduled_runs": "when scheduled work was done, and how that ended",
    "outbox": "what is to be done for such a change, and only until it is done",
}


class UnauditedChangeError(Exception):
    """A callable that changes something has left no entry: a fault of ours, not of the caller."""


@dataclass(frozen=True)
class Reads:
    """A read that is recorded: ``action`` as ``contact.export``; ``of`` is the argument that names
    the thing ('' for the caller's own account); ``noting`` are arguments that the entry shows."""

    action: str
    of: str = ""
    noting: Sequence[str] = ()

    @property
    def arguments(self) -> set[str]:
        """The arguments that it names."""
        return {*self.noting, *([self.of] if self.of else [])}


@dataclass
class Trail:
    """What a call has left so far. ``details`` go into the entry of a read."""

    actions: list[str] = field(default_factory=list)
    is_unchanged: bool = False
    details: dict[str, Any] = field(default_factory=dict)


_trail: ContextVar[Trail | None] = ContextVar("mybizz_audit_trail", default=None)


def record(
    action: str,
    resource_type: str,
    resource_id: str,
    changes: Mapping[str, Sequence[Any]] | None = None,
    details: Mapping[str, Any] | None = None,
    *,
    by: Actor | None = None,
) -> None:
    """Add an entry. Call it inside the transaction of the change, so that neither stands alone.

    ``changes`` maps a field to ``[before, after]``, None for what was or is not there; ``details``
    says what else there is to know, such as how many rows. ``by`` is who did it, where that is not
    who calls (someone who has just logged in).
    """
    actor = by or current_actor()
    app_tables.audit_log.add_row(
        logged_at=clock.now(),
        user_email=actor.email or actor.kind,
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        changes={name: _pair(name, values) for name, values in (changes or {}).items()},
        details={name: _plain(name, value) for name, value in (details or {}).items()},
        ip_address=actor.ip,
    )
    trail = _trail.get()
    if trail is not None and (changes or details):
        trail.actions.append(f"{resource_type}.{action}")


def unchanged() -> None:
    """Say that the call found all as it was asked to be, so that there is nothing to record."""
    trail = _trail.get()
    if trail is not None:
        trail.is_unchanged = True


def add_details(**details: Any) -> None:
    """Tell the entry of the read that is going on more than its arguments do."""
    trail = _trail.get()
    if trail is not None:
        trail.details.update(details)


@contextmanager
def following() -> Iterator[Trail]:
    """Notice what everything inside records."""
    trail = Trail()
    token = _trail.set(trail)
    try:
        yield trail
    finally:
        _trail.reset(token)


def require_entry(trail: Trail, actions: Sequence[str]) -> None:
    """Raise :class:`UnauditedChangeError` unless one of the actions was recorded."""
    if not trail.is_unchanged and not set(actions) & set(trail.actions):
        raise UnauditedChangeError(
            f"expected an entry {' or '.join(actions)} with what changed, found {trail.actions}"
        )


def record_read(trail: Trail, read: Reads, arguments: Mapping[str, Any]) -> None:
    """Add the entry of a read with these arguments."""
    resource_type, action = read.action.split(".")
    resource_id = str(arguments[read.of]) if read.of else current_actor().email
    noted = {name: arguments[name] for name in read.noting if arguments[name] is not None}
    record(action, resource_type, resource_id, details={**noted, **trail.details})


def declared_actions(declared: str | Sequence[str] | Reads | None) -> tuple[str, ...]:
    """The actions that a declaration names. Raises ValueError where one is not ``thing.action``."""
    if declared is None:
        return ()
    if isinstance(declared, Reads):
        actions: Sequence[str] = (declared.action,)
    else:
        actions = (declared,) if isinstance(declared, str) else declared
    wrong = [action for action in actions if not _ACTION.fullmatch(action)]
    if wrong or not actions:
        raise ValueError(f"An audit action is written as contact.update, not {wrong}.")
    return tuple(actions)


def _pair(name: str, values: Sequence[Any]) -> list[Any]:
    if isinstance(values, str) or len(values) != 2:
        raise ValueError(f"Expected [before, after] of {name}.")
    return [_plain(name, value) for value in values]


def _plain(name: str, value: Any) -> Any:
    """A value as the log keeps it: no secret, not endless, and a time as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(str(key), part) for key, part in value.items()}
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_CHARS else value[:MAX_TEXT_CHARS] + "…"
    if isinstance(value, Sequence):
        return [_plain(name, part) for part in value]
    return getattr(value, "name", None) or HIDDEN  # media by their name; a row says nothing here
