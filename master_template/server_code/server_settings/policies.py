"""The business's own rules: cancelling, not coming, moving a booking, giving money back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import settings_row
from ..server_shared.errors import AppError, ConflictError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Int, Percent, Record, Rule, Text

MAX_HOURS = 24 * 90
MAX_DAYS = 365


@dataclass(frozen=True)
class Policies:
    """Percentages are of the price of a booking; hours are before it begins."""

    cancellation_hours: int = 24  # up to then a customer cancels for nothing
    late_cancellation_percent: float = 0
    no_show_percent: float = 3
    can_reschedule: bool = True
    reschedule_hours: int = 24
    reschedule_limit: int = 2  # how often one booking may be moved
    refund_percent: float = 100  # of what was paid, for who cancels in time
    refund_days: int = 14  # until the money is back
    notes: str = ""


RULES: dict[str, Rule] = {
    "cancellation_hours": Int("Free cancellation", minimum=0, maximum=MAX_HOURS, required=True),
    "late_cancellation_percent": Percent("Fee for cancelling late", required=True),
    "no_show_percent": Percent("Fee for not coming", required=True),
    "can_reschedule": Bool("Customers may move a booking", default=False),
    "reschedule_hours": Int("Moving a booking", minimum=0, maximum=MAX_HOURS, required=True),
    "reschedule_limit": Int("How often", minimum=1, maximum=100, required=True),
    "refund_percent": Percent("Refund", required=True),
    "refund_days": Int("Days until the refund", minimum=1, maximum=MAX_DAYS, required=True),
    "notes": Text("What else applies", max_chars=4_000, multiline=True, default=""),
}
GIVEN = Record("The policies", RULES, required=True)


def read_policies() -> Policies:
    """The policies as they are now; what nobody has set is as :class:`Policies` says."""
    return from_row(settings_row())


def from_row(row: Any) -> Policies:
    """The policies that a row of settings keeps; the defaults where there is none."""
    kept = dict((row["policies"] if row is not None else None) or {})
    known = {field.name for field in fields(Policies)}
    return Policies(**{name: value for name, value in kept.items() if name in known})


@server_callable(needs="settings.view")
def get_policies() -> dict[str, Any]:
    """``{"policies", "version", "words"}``; ``words`` as of :func:`describe`."""
    row = settings_row()
    if row is None:
        raise AppError("This instance has not been set up yet.", code="not_set_up")
    policies = from_row(row)
    return {
        "policies": asdict(policies),
        "version": int(row["version"] or 1),
        "words": describe(policies),
    }


@server_callable(needs="settings.view", takes={"policies": GIVEN})
def preview_policies(policies: dict[str, Any]) -> dict[str, Any]:
    """``{"words"}``: what a customer would read, without saving anything."""
    return {"words": describe(Policies(**policies))}


@server_callable(
    needs="settings.manage",
    takes={"policies": GIVEN, "version": Int("The version", minimum=1, required=True)},
    audit="settings.update",
)
def update_policies(policies: dict[str, Any], version: int) -> dict[str, Any]:
    """Change the policies that the caller has read as ``version`` of the settings."""
    _update(policies, version)
    return get_policies()


@in_transaction
def _update(policies: dict[str, Any], version: int) -> None:
    row = settings_row()
    if row is None:
        raise AppError("This instance has not been set up yet.", code="not_set_up")
    before = asdict(from_row(row))
    if policies == before:
        audit.unchanged()
        return
    if int(row["version"] or 1) != version:
        raise ConflictError(
            "Someone else changed the settings while you were editing. Nothing has been saved "
            "yet; what you typed is still here.",
            code="edited_meanwhile",
        )
    row.update(policies=policies, version=version + 1, updated_at=clock.now())
    changed = {
        name: [before[name], policies[name]] for name in policies if policies[name] != before[name]
    }
    audit.record("update", "settings", "policies", changed)


def describe(policies: Policies) -> list[list[str]]:
    """``[heading, text]`` of each policy, in words for customers."""
    told = [
        ["Cancelling", _cancelling(policies)],
        ["Not coming", _not_coming(policies)],
        ["Moving a booking", _moving(policies)],
        ["Refunds", _refunds(policies)],
    ]
    if policies.notes:
        told.append(["What else applies", policies.notes])
    return told


def _cancelling(policies: Policies) -> str:
    hours, percent = policies.cancellation_hours, policies.late_cancellation_percent
    if not percent:
        return "You can cancel a booking at any time before it begins. It costs nothing."
    fee = _of_the_price(percent)
    if not hours:
        return f"You can cancel until the booking begins at no cost; from then on it costs {fee}."
    return (
        f"You can cancel at no cost up to {time_before(hours)} before the booking begins. "
        f"If you cancel later, it costs {fee}."
    )


def _not_coming(policies: Policies) -> str:
    if not policies.no_show_percent:
        return "If you do not come and have not cancelled, it costs nothing. Please tell us anyway."
    return (
        "If you do not come and have not cancelled, it costs "
        f"{_of_the_price(policies.no_show_percent)}."
    )


def _moving(policies: Policies) -> str:
    if not policies.can_reschedule:
        return "A booking cannot be moved to another time. Please cancel it and book again."
    times = {1: "once", 2: "twice"}.get(
        policies.reschedule_limit, f"{policies.reschedule_limit} times"
    )
    if not policies.reschedule_hours:
        return f"You can move a booking to another time {times}, until it begins."
    return (
        f"You can move a booking to another time {times}, up to "
        f"{time_before(policies.reschedule_hours)} before it begins."
    )


def _refunds(policies: Policies) -> str:
    if not policies.refund_percent:
        return "What you have paid is not refunded, unless the law says otherwise."
    share = (
        "everything that you have paid"
        if policies.refund_percent == 100
        else f"{percent_text(policies.refund_percent)} of what you have paid"
    )
    days = "day" if policies.refund_days == 1 else "days"
    return (
        f"If you cancel in time, we refund {share}. The money is back within "
        f"{policies.refund_days} {days}, by the way that you paid."
    )


def _of_the_price(percent: float) -> str:
    return "the full price" if percent == 100 else f"{percent_text(percent)} of the price"


def percent_text(percent: float) -> str:
    """``3%``, ``12.5%``."""
    return f"{percent:.2f}".rstrip("0").rstrip(".") + "%"


def time_before(hours: int) -> str:
    """``1 hour``, ``36 hours``, ``2 days``."""
    if hours >= 48 and hours % 24 == 0:
        return f"{hours // 24} days"
    return "1 hour" if hours == 1 else f"{hours} hours"
