"""What a customer sees of the recommendation programme: their own link, and what it has brought.

Of the friends themselves nothing is told, only how many there are: who came is their own affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_customers.account_contact import customer_account, ensure_contact, find_contact
from ..server_shared.callables import LOGGED_IN, server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.errors import ConflictError
from ..server_shared.money import format_money
from .referral_codes import find_or_make_code, link_of
from .referral_intake import INVITED, JOINED, QUALIFIED, REWARDED, is_running
from .referral_program import describe_reward, read_program
from .referral_service import SIDES

MAX_READ = 1_000  # recommendations of one customer
MAX_REWARDS = 50


@server_callable(needs=LOGGED_IN)
def get_my_referrals() -> dict[str, Any]:
    """The caller's part in the programme.

    ``is_running``; ``link``, None until they ask for one; ``rules``: in words, what ``you`` and the
    ``friend`` get ('' for nothing), ``minimum`` (the smallest purchase that counts, '' for any) and
    ``hold_days``; ``counts``: ``visits`` of the link, friends to be ``confirmed``, who ``came`` and
    who were ``rewarded``; and ``rewards``, newest first: ``words``, ``side`` (``referrer`` or
    ``friend``), ``entry`` (granted, used, revoked) and ``recorded_at`` of that.
    """
    return _describe(find_contact(customer_account()))


@server_callable(needs=LOGGED_IN, audit="referral_code.create")
def create_my_referral_link() -> dict[str, Any]:
    """Give the caller a link of their own, which stays the same; the answer is that of
    :func:`get_my_referrals`. Raises :class:`ConflictError` (``programme_off``)."""
    account = customer_account()
    if not is_running():
        raise ConflictError("There is no recommendation programme just now.", code="programme_off")
    contact = ensure_contact(account)
    find_or_make_code(contact)
    return _describe(contact)


def _describe(contact: Any) -> dict[str, Any]:
    code = None if contact is None else app_tables.referral_codes.get(contact=contact)
    brought = [] if contact is None else _search("referrer", contact)
    came_by = [] if contact is None else _search("friend", contact)
    statuses = [row["status"] for row in brought]
    return {
        "is_running": is_running(),
        "link": link_of(code["code"]) if code else None,
        "rules": _rules(read_program(), read_business()),
        "counts": {
            "visits": int(code["visits"] or 0) if code else 0,
            "confirmed": statuses.count(INVITED),
            "came": sum(word in (JOINED, QUALIFIED, REWARDED) for word in statuses),
            "rewarded": statuses.count(REWARDED),
        },
        "rewards": _rewards({"referrer": brought, "friend": came_by}),
    }


def _search(side: str, contact: Any) -> list[Any]:
    found = app_tables.referrals.search(
        q.fetch_only("referral_id", "status"), q.page_size(MAX_READ), **{side: contact}
    )
    return list(islice(found, MAX_READ))


def _rules(program: Mapping[str, Any], business: Business) -> dict[str, Any]:
    minimum = program["minimum_cents"]
    money = format_money(minimum, business.currency, business.locale) if minimum else ""
    return {
        "you": describe_reward(program["referrer_reward"], business),
        "friend": describe_reward(program["friend_reward"], business),
        "minimum": money,
        "hold_days": program["hold_days"],
    }


def _rewards(referrals: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The last entry of each reward. They are found by the recommendation, which a merge of
    contacts moves, and not by the contact of an entry, which nothing changes."""
    wanted = {(row["referral_id"], side) for side in SIDES for row in referrals[side]}
    last: dict[tuple[str, str], dict[str, Any]] = {}
    if wanted:
        ids = {referral_id for referral_id, _ in wanted}
        found = app_tables.referral_rewards.search(
            tables.order_by("recorded_at"), referral_id=q.any_of(*ids)
        )
        for row in found:
            key = (row["referral_id"], row["side"])
            if key in wanted:
                last[key] = {
                    "words": dict(row["reward"] or {}).get("words", ""),
                    "side": row["side"],
                    "entry": row["entry"],
                    "recorded_at": row["recorded_at"],
                }
    newest = sorted(last.values(), key=lambda one: one["recorded_at"], reverse=True)
    return newest[:MAX_REWARDS]
