"""How many marketing mails go out in an hour, and whether any do: held by one row of the database.

The row's changes conflict with each other, so that several tasks at once never send more than one
would. Mails start in minutes: what has started in the last 60 whole minutes and in this one counts,
so that no hour, whenever it begins, has more than the limit. Mails that are no marketing
(``mail_service``) do not count, and go first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import anvil.secrets
import anvil.server
from anvil.tables import app_tables

from ..server_shared import audit, clock
from ..server_shared.errors import InvalidError

# What a business of this size sends, and what Brevo's smaller plans take without complaint.
USUAL_LIMIT = 50
# The secret by which the operator gives an instance more, as its plan says: a number.
SECRET = "mails_per_hour"
_WINDOW = timedelta(minutes=60)
_MINUTE = "%Y-%m-%dT%H:%MZ"


def read_row() -> Any:
    """The one row, or None where nothing has been sent or set yet."""
    return app_tables.mail_sending.get(is_singleton=True)


def state_row() -> Any:
    """The one row, made where there is none. Call it inside a transaction."""
    return read_row() or app_tables.mail_sending.add_row(
        is_singleton=True, starts={}, version=1, updated_at=clock.now()
    )


def read_ceiling() -> int:
    """The most that this instance's limit can be set to."""
    try:
        text: str = anvil.secrets.get_secret(SECRET) or ""
    except anvil.server.AnvilWrappedError:
        return USUAL_LIMIT
    return int(text) if text.strip().isdecimal() else USUAL_LIMIT


def limit_of(row: Any, ceiling: int) -> int:
    """How many mails an hour may have."""
    chosen = row["hourly_limit"] if row is not None else None
    return min(ceiling, USUAL_LIMIT if chosen is None else int(chosen))


def used_of(row: Any, now: datetime) -> int:
    """How many have started within the hour before now."""
    return sum(_recent(row, now).values()) if row is not None else 0


def free_at(row: Any, limit: int, now: datetime) -> datetime | None:
    """When the next mail may start; None: now, or never as the limit is 0."""
    starts = _recent(row, now) if row is not None else {}
    over = sum(starts.values()) - limit
    if over < 0 or limit <= 0:
        return None
    for minute in sorted(starts):
        over -= starts[minute]
        if over < 0:
            return _moment(minute) + _WINDOW + timedelta(minutes=1)
    return None


def take(row: Any, limit: int, now: datetime) -> bool:
    """Count one mail that starts now; give False where the hour has no more of them. Call it inside
    the transaction that starts the mail."""
    starts = _recent(row, now)
    if sum(starts.values()) >= limit:
        return False
    minute = now.strftime(_MINUTE)
    row["starts"] = {**starts, minute: starts.get(minute, 0) + 1}
    return True


def is_paused(row: Any, now: datetime) -> bool:
    """Whether sending waits for something that is wrong with the provider."""
    return row is not None and row["paused_until"] is not None and row["paused_until"] > now


def pause(until: datetime, code: str, reason: str) -> None:
    """Send nothing until then. Call it inside a transaction."""
    state_row().update(paused_until=until, pause_code=code, pause_reason=reason)


def resume(row: Any) -> None:
    """Send again."""
    row.update(paused_until=None, pause_code=None, pause_reason=None)


def change_limit(limit: int) -> None:
    """Set the limit of an hour. Raises :class:`InvalidError`. Call it inside a transaction."""
    ceiling = read_ceiling()
    if limit > ceiling:
        raise InvalidError(
            f"Mails an hour may be at most {ceiling}, not {limit}: that is what your plan has.",
            field="hourly_limit",
        )
    row = state_row()
    before = limit_of(row, ceiling)
    if before == limit:
        audit.unchanged()
        return
    row.update(hourly_limit=limit, updated_at=clock.now(), version=int(row["version"] or 1) + 1)
    audit.record("update", "mail_sending", "", {"hourly_limit": [before, limit]})


def _recent(row: Any, now: datetime) -> dict[str, int]:
    """The minutes of the last hour, this one included, in which mails have started."""
    since = (now - _WINDOW).strftime(_MINUTE)
    starts = dict(row["starts"] or {})
    return {minute: int(count) for minute, count in starts.items() if minute >= since}


def _moment(minute: str) -> datetime:
    return datetime.strptime(minute.replace("Z", "+0000"), "%Y-%m-%dT%H:%M%z")
