"""A friend who follows someone's link: from the page to a contact that was recommended.

No cookie remembers a visitor. They leave their address, confirm it by a mail, and are from then on
the contact that was recommended; what they buy counts wherever they buy it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import acting_as
from ..server_customers import timeline_service
from ..server_emails.mail_service import queue_mail
from ..server_shared import clock, rate_limits, signed_tokens
from ..server_shared.config import read_business
from ..server_shared.encryption import keyed_digest
from ..server_shared.rate_limits import Limit
from ..server_shared.transactions import in_transaction
from .captured_contacts import confirmed_person, take_in
from .lead_fields import new_id
from .lead_intake import (
    BY_ADDRESS,
    CONFIRM_DAYS,
    LATEST_SECONDS,
    QUICKEST_SECONDS,
    TRAP,
    StaleError,
    origin,
)
from .referral_program import ACTIVE, describe_reward, read_program

INVITED, JOINED, QUALIFIED, REWARDED, REJECTED = (
    "invited",
    "joined",
    "qualified",
    "rewarded",
    "rejected",
)
BY_VISITOR = Limit("referral", 30, 3_600)
SAME_CONNECTION_DAYS = 30


def opening_token(code: str) -> str:
    """Says that a page was shown now."""
    return signed_tokens.sign("referral", f"{code}_{int(clock.now().timestamp())}")


def is_running() -> bool:
    """Whether the programme takes friends in."""
    return read_program()["status"] == ACTIVE and read_business().has_feature("referrals")


@in_transaction
def count_visit(code: Any) -> None:
    """Count that a link was followed."""
    code["visits"] = int(code["visits"] or 0) + 1


def invite(code: Any, values: Mapping[str, Any], given: Mapping[str, Any], ip: str) -> None:
    """Keep that a friend left their address, and send the mail that confirms it. ``values`` are
    checked; ``given`` is what came besides: ``opened``, ``consent`` and TRAP.

    The caller's answer is the same whatever happens. Raises :class:`StaleError`.
    """
    text = signed_tokens.read("referral", given.get("opened")) or ""
    shown_code, _, shown_at = text.rpartition("_")
    seconds = clock.now().timestamp() - int(shown_at or 0)
    if shown_code != code["code"] or seconds > LATEST_SECONDS:
        raise StaleError("This page has been open for long. Please send it once more.")
    if given.get(TRAP) or seconds < QUICKEST_SECONDS:
        return
    if rate_limits.is_taken(BY_ADDRESS, values["email"]):
        _keep(code, values, given.get("consent") == "yes", ip)


@in_transaction
def _keep(code: Any, values: Mapping[str, Any], has_consented: bool, ip: str) -> None:
    now = clock.now()
    referral_id = new_id("r")
    app_tables.referrals.add_row(
        referral_id=referral_id,
        code=code["code"],
        referrer=code["contact"],
        email=values["email"],
        first_name=values["first_name"],
        has_consented=has_consented,
        status=INVITED,
        notes=[],
        ip_hash=_hash_of(ip),
        invited_at=now,
        expires_at=now + timedelta(days=CONFIRM_DAYS),
    )
    reward = describe_reward(read_program()["friend_reward"], read_business())
    variables = {
        "link": f"{origin()}/r/confirm/{signed_tokens.sign('referral confirm', referral_id)}",
        "friend_reward": reward,
        "valid_days": str(CONFIRM_DAYS),
        "person_name": values["first_name"] or "",
    }
    queue_mail("referral_confirmation", values["email"], variables)


def _hash_of(ip: str) -> str | None:
    return keyed_digest(f"referral address\0{ip}")[:32] if ip else None


def find_invited(token: object) -> Any:
    """The referral that a link in a mail confirms, or None where there is none any more."""
    referral_id = signed_tokens.read("referral confirm", token)
    row = referral_id and app_tables.referrals.get(referral_id=referral_id)
    is_over = row and row["expires_at"] is not None and row["expires_at"] < clock.now()
    return None if is_over else row or None


def confirm(token: object, ip: str) -> Any:
    """Take a friend in as the person they say; give the referral, or None where the link is no
    good. Once is enough: again does nothing."""
    row = find_invited(token)
    if row is None:
        return None
    with acting_as(confirmed_person(row["email"], row["first_name"] or row["email"], ip)):
        return _join(row["referral_id"])


@in_transaction
def _join(referral_id: str) -> Any:
    row = app_tables.referrals.get(referral_id=referral_id)
    if row is None or row["status"] != INVITED:
        return row
    friend, is_new = take_in(
        row["email"],
        {"first_name": row["first_name"]},
        source="referral",
        is_confirmed=True,
        has_consented=bool(row["has_consented"]),
        evidence=f"Ticked on the page of the recommendation {row['code']}; confirmed by mail",
    )
    now = clock.now()
    reason = _reason_against(row, friend, is_new)
    if reason:
        row.update(status=REJECTED, reason=reason, decided_at=now, joined_at=now, expires_at=None)
        return row
    notes = _notes(row, friend)
    row.update(status=JOINED, friend=friend, notes=notes, joined_at=now, expires_at=None)
    timeline_service.add_event(
        friend, "referral", "Came by a recommendation", related_id=referral_id
    )
    timeline_service.add_event(
        row["referrer"], "referral", "Recommended someone who joined", related_id=referral_id
    )
    return row


def _reason_against(row: Any, friend: Any, is_new: bool) -> str:
    """Why a friend does not count, or '': nobody recommends themselves, or a customer that there
    is, and each friend counts once."""
    referrer = row["referrer"]
    if referrer is None or referrer["deleted_at"] is not None:
        return "referrer_gone"
    if friend == referrer or _mailbox(row["email"]) == _mailbox(referrer["email"] or ""):
        return "self"
    if app_tables.referrals.get(friend=friend) is not None:
        return "referred_already"
    is_customer = friend["status"] == "customer" or int(friend["total_transactions"] or 0) > 0
    return "customer_already" if is_customer and not is_new else ""


def _mailbox(email: str) -> str:
    """An address without what many providers ignore: what follows a plus, and dots in the name."""
    name, _, domain = email.lower().partition("@")
    return f"{name.partition('+')[0].replace('.', '')}@{domain}"


def _notes(row: Any, friend: Any) -> list[str]:
    """What speaks for two people being one; such a referral is rewarded only by a person."""
    notes = []
    referrer = row["referrer"]
    if friend["phone"] and friend["phone"] == referrer["phone"]:
        notes.append("same_phone")
    if row["ip_hash"]:
        since = q.greater_than(clock.now() - timedelta(days=SAME_CONNECTION_DAYS))
        others = app_tables.referrals.search(
            referrer=referrer, ip_hash=row["ip_hash"], invited_at=since
        )
        if any(other["referral_id"] != row["referral_id"] for other in others):
            notes.append("same_connection")
    return notes
