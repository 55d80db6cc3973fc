"""Who may get a marketing mail, and if not, why: asked when it is planned and when it goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..server_privacy.consent_record import is_opted_in
from ..server_shared.encryption import EMAIL, search_hashes
from ..server_shared.errors import InvalidError
from ..server_shared.validators import Email
from . import suppression

# Every reason of the ledger, by the state it goes with, in words for people.
SKIPPED_TEXTS = {
    "no_address": "Has no e-mail address",
    "not_opted_in": "Has not agreed to marketing",
    "unsubscribed": "Has unsubscribed",
    "complained": "Has reported a mail as spam",
    "bounced": "The address does not work",
    "suppressed": "Was taken off all marketing by hand",
    "deleted": "Was deleted",
    "erased": "Was erased",
    "duplicate_address": "Another contact with this address gets it",
    "cancelled": "The mail was cancelled before its turn",
    "not_composed": "The mail could not be made for this person",
}
FAILED_TEXTS = {
    "refused": "The mail server refused it",
    "gave_up": "It could not be handed over in many attempts",
    "not_sent": "Someone here found that it did not go out",
}
UNKNOWN_TEXTS = {
    "interrupted": "Sending was interrupted: it may or may not have gone out",
    "timed_out": "The mail server did not say whether it took it",
}
REASON_TEXTS = {**SKIPPED_TEXTS, **FAILED_TEXTS, **UNKNOWN_TEXTS}

_REASON_OF_KIND = {
    suppression.UNSUBSCRIBED: "unsubscribed",
    suppression.COMPLAINED: "complained",
    suppression.BOUNCED: "bounced",
    suppression.MANUAL: "suppressed",
}
# What judging looks at.
COLUMNS = (
    "contact_id",
    "number",
    "first_name",
    "last_name",
    "email",
    "preferences",
    "deleted_at",
    "erased_at",
)


@dataclass(frozen=True)
class Judgement:
    """``reason`` is '' for who may get it; ``address_hash`` is None without an address."""

    reason: str
    address_hash: str | None


def judge(contacts: Sequence[Any]) -> list[Judgement]:
    """For each contact (a row with COLUMNS) whether it may get marketing now, with one query."""
    hashes = _hashes({contact["email"] for contact in contacts if contact["email"]})
    kinds = suppression.find_by_hash(hashes)
    return [_judge(contact, hashes, kinds) for contact in contacts]


def _hashes(emails: set[str]) -> dict[str, str]:
    """The hash of each; one that is no address, which only a foreign hand can have written, is left
    out rather than holding up all the others."""
    try:
        return search_hashes(EMAIL, emails)
    except InvalidError:
        single = [email for email in emails if _is_address(email)]
        return search_hashes(EMAIL, single)


def _is_address(email: str) -> bool:
    try:
        Email("E-mail", required=True).clean(email)
    except InvalidError:
        return False
    return True


def _judge(contact: Any, hashes: Mapping[str, str], kinds: Mapping[str, str]) -> Judgement:
    email = contact["email"]
    if contact["erased_at"] is not None:
        return Judgement("erased", None)
    hashed = hashes.get(email)
    if contact["deleted_at"] is not None:
        return Judgement("deleted", hashed)
    if hashed is None:
        return Judgement("no_address", None)
    kind = kinds.get(email, "")
    if kind:
        return Judgement(_REASON_OF_KIND[kind], hashed)
    return Judgement("" if is_opted_in(contact["preferences"]) else "not_opted_in", hashed)
