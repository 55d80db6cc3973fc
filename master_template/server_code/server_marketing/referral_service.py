"""Recommendations from the friend's first purchase to the rewards, and the ledger of these.

A reward is an entry that is only added to: ``granted``, then ``used`` or ``revoked``. Each side of
a recommendation gets one, whatever is repeated or killed: the database keeps that.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_customers import timeline_service
from ..server_customers.contact_fields import display_name
from ..server_shared import audit, clock, schedule
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, InvalidError, NotFoundError
from ..server_shared.happenings import listen, tell
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Text
from .lead_capture_service import PAGING
from .referral_intake import JOINED, QUALIFIED, REJECTED, REWARDED, is_running
from .referral_program import describe_reward, read_program

STATUSES = ("invited", JOINED, QUALIFIED, REWARDED, REJECTED)
SIDES = ("referrer", "friend")
GRANTED, USED, REVOKED = "granted", "used", "revoked"
REFERRAL_ID = Text("The recommendation", max_chars=20, required=True)
BATCH = 100
MAX_RANKED = 10_000
# What is told of a recommendation, in words.
REASONS = {
    "referrer_gone": "Who recommended is no longer a contact",
    "self": "They recommended themselves",
    "referred_already": "Someone else had recommended this person",
    "customer_already": "The friend was a customer already",
    "refunded": "The purchase was refunded",
}
NOTES = {
    "same_phone": "Both have the same telephone number",
    "same_connection": "It came from the same connection as another one of theirs",
}


@listen("transaction_recorded")
def _qualify(contact: Any, transaction_type: str, transaction_id: str, amount_cents: int) -> None:
    """A friend's first purchase that is large enough."""
    program = read_program()
    if transaction_type == "refund" or amount_cents < max(1, program["minimum_cents"]):
        return
    row = app_tables.referrals.get(friend=contact, status=JOINED)
    if row is not None and is_running():
        key = f"{transaction_type}:{transaction_id}"
        row.update(status=QUALIFIED, qualified_at=clock.now(), transaction_key=key)


@schedule.job(
    "referral_rewards",
    "Rewards for recommendations",
    schedule.Daily(4),
    "Grants what recommendations have earned, when the days to wait are over",
)
def grant_rewards(run: schedule.Run) -> dict[str, int]:
    """Grant what is due and not doubtful; each in a transaction of its own."""
    before = clock.now() - timedelta(days=read_program()["hold_days"])
    found = app_tables.referrals.search(
        q.fetch_only("referral_id", "notes"),
        status=QUALIFIED,
        qualified_at=q.less_than_or_equal_to(before),
    )
    due = [row["referral_id"] for row in found if not row["notes"]]
    figures = Counter({REWARDED: 0, REJECTED: 0})
    for number, referral_id in enumerate(due, 1):
        status = _settle(referral_id)
        if status in figures:
            figures[status] += 1
        if number % BATCH == 0:
            run.report(**figures)
    return dict(figures)


@in_transaction
def _settle(referral_id: str) -> str:
    """Grant the rewards of a qualified recommendation, unless the purchase was taken back; give
    its status."""
    row = _find(referral_id)
    if row["status"] != QUALIFIED:
        return ""
    friend = row["friend"]
    minimum = max(1, read_program()["minimum_cents"])
    if friend is None or int(friend["total_spent_cents"] or 0) < minimum:
        _decide(row, REJECTED, "refunded")
    else:
        _grant(row)
    return str(row["status"])


def _grant(row: Any) -> None:
    program, business = read_program(), read_business()
    referrer = row["referrer"]
    earned = app_tables.referral_rewards.search(contact=referrer, side="referrer", entry=GRANTED)
    is_full = referrer is None or len(earned) >= program["limit_per_referrer"]
    for side in SIDES:
        reward = {**program[f"{side}_reward"], "currency": business.currency}
        words = describe_reward(reward, business)
        if not words or (side == "referrer" and is_full):
            continue
        contact = row[side]
        _add_entry(row["referral_id"], contact, side, GRANTED, {**reward, "words": words})
        timeline_service.add_event(
            contact,
            "referral",
            f"Earned by a recommendation: {words}",
            related_id=row["referral_id"],
        )
    _decide(row, REWARDED, None)
    if referrer is not None:
        tell("referral_rewarded", contact=referrer, referral=row)


def _add_entry(
    referral_id: str, contact: Any, side: str, entry: str, reward: dict[str, Any]
) -> None:
    actor = current_actor()
    app_tables.referral_rewards.add_row(
        referral_id=referral_id,
        contact=contact,
        side=side,
        entry=entry,
        reward=reward,
        author_name=actor.author_name,
        created_by=actor.row,
        recorded_at=clock.now(),
    )


def _decide(row: Any, status: str, reason: str | None) -> None:
    before = row["status"]
    row.update(status=status, reason=reason, decided_at=clock.now())
    details = {"reason": reason or ""}
    audit.record("decide", "referral", row["referral_id"], {"status": [before, status]}, details)


def _find(referral_id: str) -> Any:
    row = app_tables.referrals.get(referral_id=referral_id)
    if row is None:
        raise NotFoundError("There is no such recommendation.")
    for side in SIDES:
        if row[side] is not None and not scopes.is_inside(row[side]):
            raise NotFoundError("There is no such recommendation.")
    return row


@server_callable(
    needs="marketing.manage",
    takes={
        "referral_id": REFERRAL_ID,
        "decision": Choice("What becomes of it", ("reward", "reject"), required=True),
        "reason": Text("The reason", max_chars=300),
    },
    audit="referral.decide",
)
def decide_referral(referral_id: str, decision: str, reason: str | None = None) -> dict[str, Any]:
    """Reward a recommendation now, also a doubtful one, or reject it: ``{"status"}``."""
    row = _find(referral_id)
    if row["status"] not in (JOINED, QUALIFIED):
        raise ConflictError("This recommendation has been decided.", code="decided_already")
    if decision == "reward":
        _grant(row)
    elif not reason:
        raise InvalidError("Please say why.", field="reason")
    else:
        _decide(row, REJECTED, reason)
    return {"status": row["status"]}


@server_callable(
    needs="marketing.manage",
    takes={
        "referral_id": REFERRAL_ID,
        "side": Choice("Whose", SIDES, required=True),
        "entry": Choice("What happened", (USED, REVOKED), required=True),
    },
    audit="referral_reward.settle",
)
def settle_referral_reward(referral_id: str, side: str, entry: str) -> dict[str, Any]:
    """Note that a reward was used, or is taken back: ``{"entry"}``. Raises
    :class:`ConflictError` (``decided_already``) where one of the two has happened."""
    contact = _find(referral_id)[side]
    entries = {
        row["entry"]: row
        for row in app_tables.referral_rewards.search(referral_id=referral_id, side=side)
    }
    if GRANTED not in entries:
        raise NotFoundError("There is no such reward.")
    if len(entries) > 1:
        raise ConflictError("This reward has been used or taken back.", code="decided_already")
    granted = entries[GRANTED]
    _add_entry(referral_id, granted["contact"], side, entry, dict(granted["reward"]))
    if contact is not None:
        words = dict(granted["reward"]).get("words", "")
        said = f"{'Used' if entry == USED else 'Taken back'}: {words}"
        timeline_service.add_event(contact, "referral", said, related_id=referral_id)
    audit.record("settle", "referral_reward", referral_id, {side: [GRANTED, entry]})
    return {"entry": entry}


@server_callable(needs="marketing.view", takes={"status": Choice("Status", STATUSES), **PAGING})
def list_referrals(
    status: str | None = None, offset: int = 0, page_size: int = 25
) -> dict[str, Any]:
    """``{"referrals", "total"}``, newest first: both people, ``status``, ``reason`` and ``notes``
    in words, the dates, and ``rewards``: the entry that each side's reward is at."""
    contact = q.fetch_only("contact_id", "first_name", "last_name", "email")
    query: dict[str, Any] = {"status": status} if status else {}
    found = app_tables.referrals.search(
        tables.order_by("invited_at", ascending=False),
        q.fetch_only(
            "referral_id",
            "code",
            "email",
            "status",
            "reason",
            "notes",
            "invited_at",
            "joined_at",
            "qualified_at",
            "decided_at",
            referrer=contact,
            friend=contact,
        ),
        q.page_size(offset + page_size),
        *_visible(),
        **query,
    )
    rows = list(islice(found, offset, offset + page_size))
    rewards = _rewards_of([row["referral_id"] for row in rows])
    return {"referrals": [_referral_dict(row, rewards) for row in rows], "total": len(found)}


def _visible() -> tuple[Any, ...]:
    """Whoever sees a part of the business sees the recommendations of and by its people."""
    scope = scopes.current_scope()
    if scope is None:
        return ()
    people = list(islice(app_tables.contacts.search(scope.contact_condition()), scopes.MAX_LINKED))
    return (q.all_of(referrer=q.any_of(*people)),) if people else (q.all_of(status=""),)


def _rewards_of(ids: list[str]) -> dict[str, dict[str, Any]]:
    """The last entry of each side's reward, and its words, by recommendation."""
    made: dict[str, dict[str, Any]] = {referral_id: {} for referral_id in ids}
    if ids:
        order = tables.order_by("recorded_at")
        found = app_tables.referral_rewards.search(order, referral_id=q.any_of(*ids))
        for row in found:
            words = dict(row["reward"] or {}).get("words", "")
            made[row["referral_id"]][row["side"]] = {"entry": row["entry"], "words": words}
    return made


def _referral_dict(row: Any, rewards: dict[str, dict[str, Any]]) -> dict[str, Any]:
    made = {
        name: row[name]
        for name in (
            "referral_id",
            "code",
            "email",
            "status",
            "invited_at",
            "joined_at",
            "qualified_at",
            "decided_at",
        )
    }
    for side in SIDES:
        contact = row[side]
        made[f"{side}_id"] = contact["contact_id"] if contact else None
        made[f"{side}_name"] = display_name(contact) if contact else ""
    made["reason"] = REASONS.get(row["reason"] or "", row["reason"] or "")
    made["notes"] = [NOTES.get(note, note) for note in row["notes"] or ()]
    made["rewards"] = rewards[row["referral_id"]]
    return made


@server_callable(needs="marketing.view")
def get_referral_leaderboard() -> dict[str, Any]:
    """``{"leaders", "totals"}``: who brought most friends that bought (at most ten, with ``joined``
    and ``rewarded``), and how many recommendations there are by status."""
    contact = q.fetch_only("contact_id", "first_name", "last_name", "email")
    found = app_tables.referrals.search(
        q.fetch_only("status", referrer=contact), q.page_size(1_000), *_visible()
    )
    totals: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
    people: dict[str, dict[str, Any]] = {}
    for row in islice(found, MAX_RANKED):
        totals[row["status"]] += 1
        referrer = row["referrer"]
        if referrer is None or row["status"] not in (JOINED, QUALIFIED, REWARDED):
            continue
        known = people.setdefault(
            referrer["contact_id"],
            {
                "contact_id": referrer["contact_id"],
                "contact_name": display_name(referrer),
                "joined": 0,
                "rewarded": 0,
            },
        )
        known["joined"] += 1
        known["rewarded"] += row["status"] == REWARDED
    leaders = sorted(
        people.values(), key=lambda one: (-one["rewarded"], -one["joined"], one["contact_name"])
    )
    return {"leaders": leaders[:10], "totals": dict(totals)}
