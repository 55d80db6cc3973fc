"""When who does not pay is reminded, warned and suspended: the rules, without a database.

A *case* begins on the day a payment failed. The settings say on which days after it reminders go
out, and on which the tenant's instance is suspended. Two promises hold whatever happens to the
clock or the schedule: nobody is suspended who was not warned ``warn_days`` before, and after an
outage only the newest of the missed reminders is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

NOTHING_DONE = -1


class Step(Enum):
    """What is done next in a case."""

    REMIND = "remind"
    WARN = "warn"
    SUSPEND = "suspend"


@dataclass(frozen=True)
class DunningRules:
    """Days count from the failed payment. ``ended_days``: how long an instance goes on after its
    subscription has ended."""

    reminder_days: tuple[int, ...] = (0, 3, 7)
    suspend_days: int = 14
    warn_days: int = 3
    ended_days: int = 7
    is_suspending: bool = True

    def problems(self) -> dict[str, str]:
        """What is wrong with them, by field."""
        found: dict[str, str] = {}
        if self.warn_days >= self.suspend_days:
            found["warn_days"] = (
                f"The warning must come after the payment failed: fewer than {self.suspend_days} "
                f"days before, not {self.warn_days}."
            )
        late = [day for day in self.reminder_days if day >= self.suspend_days - self.warn_days]
        if late:
            found["reminder_days"] = (
                "Reminders must come before the warning on day "
                f"{self.suspend_days - self.warn_days}, not on day {late[0]}."
            )
        if self.warn_days > self.ended_days:
            found["ended_days"] = (
                f"An instance must go on for at least the {self.warn_days} days of the warning "
                f"after its subscription ended, not {self.ended_days}."
            )
        return found


@dataclass(frozen=True)
class CaseFacts:
    """How far a case has come. ``last_day`` is that of the last reminder, or NOTHING_DONE."""

    opened_at: datetime
    has_ended: bool  # the subscription is over, rather than unpaid
    last_day: int = NOTHING_DONE
    warned_at: datetime | None = None
    suspended_at: datetime | None = None


def next_step(case: CaseFacts, rules: DunningRules, now: datetime) -> tuple[Step, datetime] | None:
    """What comes next and when, maybe in the past; None where nothing does."""
    if case.suspended_at is not None:
        return None
    limit = rules.ended_days if case.has_ended else rules.suspend_days
    if case.warned_at is not None:
        if not rules.is_suspending:
            return None
        at = max(_on(case, limit), case.warned_at + timedelta(days=rules.warn_days))
        return Step.SUSPEND, at
    warn_at = _on(case, limit - rules.warn_days)
    days: Sequence[int] = () if case.has_ended else rules.reminder_days
    left = [day for day in sorted(days) if day > case.last_day]
    if left and (now < warn_at or not rules.is_suspending):
        return Step.REMIND, _on(case, left[0])
    return (Step.WARN, warn_at) if rules.is_suspending else None


def reminder_day(case: CaseFacts, rules: DunningRules, now: datetime) -> int:
    """Which day's reminder is sent now: the newest that is due. Those before it are skipped."""
    due = [day for day in rules.reminder_days if day > case.last_day and _on(case, day) <= now]
    return max(due, default=case.last_day)


def suspension_at(case: CaseFacts, rules: DunningRules, now: datetime) -> datetime:
    """When the instance is suspended if nothing is paid, a warning going out now."""
    limit = rules.ended_days if case.has_ended else rules.suspend_days
    warned = case.warned_at or max(now, _on(case, limit - rules.warn_days))
    return max(_on(case, limit), warned + timedelta(days=rules.warn_days))


def _on(case: CaseFacts, day: int) -> datetime:
    return case.opened_at + timedelta(days=day)
