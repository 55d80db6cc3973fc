"""Addresses that get no marketing any more: unsubscribed, bounced, complained, or ruled out.

An address is kept as a keyed hash of its one normal form, so that deleting the contact, making or
importing it anew, merging or erasing it change nothing. What the person has decided only the person
takes back: by the switch in their account, or by the button in a mail that asks whether it is them
(double opt-in). Whoever works here can put right what a provider has reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_customers import contact_changes, timeline_service
from ..server_privacy import consent_record
from ..server_privacy.consent_record import MARKETING, PERSON, is_opted_in
from ..server_shared import audit, clock
from ..server_shared.config import read_business
from ..server_shared.encryption import EMAIL, search_hash, search_hashes
from ..server_shared.errors import InvalidError
from ..server_shared.formatting import format_day
from ..server_shared.happenings import listen, tell

UNSUBSCRIBED, BOUNCED, COMPLAINED, MANUAL = "unsubscribed", "bounced", "complained", "manual"
# What counts for more comes first, where an address is suppressed for several reasons.
KINDS = (UNSUBSCRIBED, COMPLAINED, BOUNCED, MANUAL)
# Only the person takes these back: they are what the person has decided.
BY_PERSON = (UNSUBSCRIBED, COMPLAINED)
# By the words of whoever reports it: ``mail_events`` and the providers behind it.
KIND_OF = {
    "unsubscribed": UNSUBSCRIBED,
    "complaint": COMPLAINED,
    "hard_bounce": BOUNCED,
    "invalid": BOUNCED,
    "blocked": BOUNCED,
    "manual": MANUAL,
}
# What a contact's timeline says of it.
_EVENTS = {
    UNSUBSCRIBED: "Unsubscribed from marketing e-mails",
    COMPLAINED: "Reported an e-mail as spam",
    BOUNCED: "The e-mail address does not work",
    MANUAL: "Taken off all marketing e-mails",
}
MAX_DETAIL_CHARS = 500


def suppress(email: str, reason: str, *, source: str = "", detail: str = "") -> bool:
    """Send an address no marketing any more; give whether that is new.

    ``reason`` is a key of KIND_OF, ``source`` which mail it came by. Whoever has unsubscribed or
    complained also no longer agrees to marketing. Call it inside a transaction, which gets an entry
    ``suppression.add`` in the audit log.
    """
    kind = KIND_OF[reason]
    row = _add(email, kind, source, detail, PERSON if kind in BY_PERSON else "provider")
    if row is None:
        return False
    contacts = list(app_tables.contacts.search(email=email.strip().lower(), deleted_at=None))
    for contact in contacts:
        timeline_service.add_event(contact, kind, _EVENTS[kind], {"source": source})
        if kind in BY_PERSON:
            _take_back_opt_in(contact, _EVENTS[kind])
            tell("unsubscribed", contact=contact, email=email)
    audit.record(
        "add",
        "suppression",
        contacts[0]["contact_id"] if contacts else "",
        details={"kind": kind, "source": source},
    )
    return True


def lift_by_person(email: str, evidence: str) -> bool:
    """End what a person has decided, because they have decided otherwise; give whether there was
    something to end. The caller makes sure that it is them. Call it inside a transaction."""
    rows = _open_rows(email, BY_PERSON)
    for row in rows:
        lift_row(row, evidence, "The person")
    return bool(rows)


def lift_row(row: Any, reason: str, who: str) -> None:
    """End a suppression; its row stays."""
    row.update(lifted_at=clock.now(), lifted_by=who, lift_reason=reason[:MAX_DETAIL_CHARS])
    audit.record("lift", "suppression", "", details={"kind": row["kind"], "reason": reason})


def find(emails: Iterable[str]) -> dict[str, str]:
    """The kind of each of these addresses that is suppressed, by the address."""
    hashes = search_hashes(EMAIL, set(emails))
    return {email: kind for email, kind in find_by_hash(hashes).items() if kind}


def find_by_hash(hashes: dict[str, str]) -> dict[str, str]:
    """The kind of each address or '', where the caller has their hashes already."""
    if not hashes:
        return {}
    found = app_tables.mail_suppressions.search(
        q.fetch_only("address_hash", "kind"),
        q.page_size(1_000),
        address_hash=q.any_of(*set(hashes.values())),
        lifted_at=None,
    )
    kinds: dict[str, str] = {}
    for row in found:
        held = kinds.get(row["address_hash"], MANUAL)
        kinds[row["address_hash"]] = min(held, row["kind"], key=KINDS.index)
    return {email: kinds.get(hashed, "") for email, hashed in hashes.items()}


def is_suppressed(email: str) -> bool:
    """Whether an address gets no marketing."""
    return bool(find([email]))


def ended_by_person(email: str | None) -> str:
    """What is to be said to whoever notes that a person agrees, who has ended marketing to this
    address by themselves; '' where they have not."""
    rows = _open_rows(email, BY_PERSON) if email else []
    if not rows:
        return ""
    last = max(rows, key=lambda row: row["recorded_at"])
    day = format_day(last["recorded_at"], read_business())
    did = (
        "unsubscribed from marketing e-mails"
        if last["kind"] == UNSUBSCRIBED
        else "reported an e-mail as spam"
    )
    return (
        f"They {did} on {day}. Only they can take that back: in their account, or by a form of "
        "yours that asks them by e-mail."
    )


def refuse_agreeing(email: str | None) -> None:
    """Raise :class:`InvalidError`, at the field, where only the person can agree again."""
    text = ended_by_person(email)
    if text:
        raise InvalidError(text, fields={"preferences.marketing_opt_in": text}, code="by_person")


def is_undeliverable(email: str) -> bool:
    """Whether mails to an address do harm, also those that are no marketing: it does not exist, or
    its owner reports them as spam."""
    return bool(_open_rows(email, (BOUNCED, COMPLAINED)))


def _open_rows(email: str, kinds: Iterable[str]) -> list[Any]:
    return list(
        app_tables.mail_suppressions.search(
            address_hash=search_hash(EMAIL, email), kind=q.any_of(*kinds), lifted_at=None
        )
    )


def _add(email: str, kind: str, source: str, detail: str, given_by: str) -> Any:
    """The new row, or None where this is known."""
    hashed = search_hash(EMAIL, email)
    known = app_tables.mail_suppressions.get(address_hash=hashed, kind=kind, lifted_at=None)
    if known is not None:
        return None
    return app_tables.mail_suppressions.add_row(
        address_hash=hashed,
        kind=kind,
        email=email.strip().lower(),
        source=source or None,
        detail=detail[:MAX_DETAIL_CHARS] or None,
        given_by=given_by,
        recorded_at=clock.now(),
    )


def _take_back_opt_in(contact: Any, evidence: str) -> None:
    preferences = dict(contact["preferences"] or {})
    if not is_opted_in(preferences):
        return
    contact_changes.change_contact(
        contact,
        {
            "preferences": {**preferences, "marketing_opt_in": False},
            "updated_at": clock.now(),
            "version": int(contact["version"] or 1) + 1,
        },
    )
    consent_record.record(contact, MARKETING, False, evidence=evidence, given_by=PERSON)


@listen("marketing_consent")
def _follow_consent(contact: Any, is_given: bool, given_by: str) -> None:
    """Hold what a person says of marketing for their address, whatever becomes of the contact."""
    email = contact["email"]
    if given_by != PERSON or not email:
        return
    if not is_given:
        _add(email, UNSUBSCRIBED, "", "Their own choice", PERSON)
        return
    actor = current_actor()
    # Someone who is logged in speaks for the address of their account alone.
    if not actor.email or actor.email.lower() == email.lower():
        lift_by_person(email, "Agreed to marketing again")
