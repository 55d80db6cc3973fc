"""The recommendation programme: what a customer and the friend they bring get, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anvil.tables import app_tables

from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.errors import ConflictError, InvalidError
from ..server_shared.money import format_money
from ..server_shared.validators import Choice, Int, Percent, Record, Text

OFF, ACTIVE = "off", "active"
REWARD_KINDS = ("none", "percent", "amount", "text")


def _reward(label: str) -> Record:
    return Record(
        label,
        {
            "kind": Choice("Kind", REWARD_KINDS, default="none"),
            "percent": Percent("Percentage"),
            "amount_cents": Int("Amount", minimum=1, maximum=100_000_000),
            "text": Text("In words", max_chars=120),
        },
        default={"kind": "none", "percent": None, "amount_cents": None, "text": None},
    )


PROGRAM = Record(
    "The programme",
    {
        "status": Choice("Status", (OFF, ACTIVE), default=OFF),
        "referrer_reward": _reward("For who recommends"),
        "friend_reward": _reward("For the friend"),
        "minimum_cents": Int("Smallest purchase", minimum=0, maximum=100_000_000, default=0),
        "hold_days": Int("Days to wait", minimum=0, maximum=90, default=14),
        "limit_per_referrer": Int("Rewards for one person", minimum=1, maximum=1_000, default=20),
        "texts": Record(
            "Texts",
            {
                "heading": Text("Heading", max_chars=120, required=True),
                "text": Text("Text", max_chars=600, multiline=True, default=""),
                "consent": Text("Consent", max_chars=600, required=True),
            },
            required=True,
        ),
    },
    required=True,
)
# What holds until somebody has decided.
STANDARD: dict[str, Any] = {
    "status": OFF,
    "referrer_reward": {"kind": "percent", "percent": 10, "amount_cents": None, "text": None},
    "friend_reward": {"kind": "percent", "percent": 10, "amount_cents": None, "text": None},
    "minimum_cents": 0,
    "hold_days": 14,
    "limit_per_referrer": 20,
    "texts": {
        "heading": "A friend recommends us",
        "text": "Leave your e-mail address, and your gift is waiting for you.",
        "consent": "You may write to me by e-mail. I can take that back at any time.",
    },
}


def read_program() -> dict[str, Any]:
    """The programme as PROGRAM has it, with its ``version`` (0: nobody has decided yet)."""
    row = app_tables.referral_programs.get(is_singleton=True)
    if row is None:
        return {**STANDARD, "version": 0}
    found: dict[str, Any] = {name: row[name] for name in PROGRAM.fields}
    for name in ("referrer_reward", "friend_reward", "texts"):
        found[name] = dict(found[name])
    for name in ("minimum_cents", "hold_days", "limit_per_referrer"):
        found[name] = int(found[name])
    return {**found, "version": int(row["version"])}


def describe_reward(reward: Mapping[str, Any], business: Business) -> str:
    """A reward in words, '' for none: ``10% off``, ``R 50,00 off``."""
    kind = reward.get("kind")
    if kind == "percent":
        return f"{reward['percent']:g}% off"
    if kind == "amount":
        amount = format_money(int(reward["amount_cents"]), business.currency, business.locale)
        return f"{amount} off"
    return str(reward.get("text") or "") if kind == "text" else ""


@server_callable(needs="marketing.view")
def get_referral_program() -> dict[str, Any]:
    """``{"program", "version", "in_words": {"referrer", "friend"}}``."""
    program = read_program()
    version = program.pop("version")
    business = read_business()
    in_words = {
        side: describe_reward(program[f"{side}_reward"], business)
        for side in ("referrer", "friend")
    }
    return {"program": program, "version": version, "in_words": in_words}


@server_callable(
    needs="marketing.manage",
    takes={"program": PROGRAM, "version": Int("The version", minimum=0, required=True)},
    audit="referral_program.update",
)
def update_referral_program(program: dict[str, Any], version: int) -> dict[str, Any]:
    """Change the programme that the caller has read as ``version``; rewards that are in the ledger
    stay as they were promised. Raises :class:`ConflictError` (``edited_meanwhile``)."""
    _check_rewards(program)
    before = read_program()
    if before["version"] != version:
        raise ConflictError("Someone else has changed this meanwhile.", code="edited_meanwhile")
    changes = {
        name: [before[name], value] for name, value in program.items() if before[name] != value
    }
    if not changes:
        audit.unchanged()
        return get_referral_program()
    columns = {**program, "updated_at": clock.now(), "version": version + 1}
    row = app_tables.referral_programs.get(is_singleton=True)
    if row is None:
        app_tables.referral_programs.add_row(is_singleton=True, **columns)
    else:
        row.update(**columns)
    audit.record("update", "referral_program", "", changes)
    return get_referral_program()


def _check_rewards(program: Mapping[str, Any]) -> None:
    """Each reward has what its kind needs, and nothing else."""
    needed = {"percent": "percent", "amount": "amount_cents", "text": "text"}
    faults = {}
    for name in ("referrer_reward", "friend_reward"):
        reward = program[name]
        wanted = needed.get(reward["kind"])
        for part in needed.values():
            if part != wanted:
                reward[part] = None
        if wanted and not reward[wanted]:
            faults[f"{name}.{wanted}"] = "Please say how much, or what."
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)
