"""Broadcasts go out: now or at a time, held, stopped, and once more to who did not open it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..server_auth.rbac import current_actor
from ..server_emails import mail_blocks
from ..server_shared import audit, clock, outbox
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, InvalidError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Rule
from . import broadcast_recipients, ledger, subject_tests
from .broadcast_fields import (
    BROADCAST_ID,
    CANCELLED,
    DRAFT,
    PAUSED,
    PLANNING,
    SCHEDULED,
    SENDING,
    find_broadcast,
    find_in_status,
    full_broadcast,
    source_of,
)
from .broadcast_sending import KIND

MAX_AHEAD = timedelta(days=366)


class LocalMoment(Rule):
    """A moment as the clocks of the business show it, ``2026-03-14T09:30``, without a zone."""

    def check(self, value: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError as error:
            raise self.refuse("a day and time like 2026-03-14T09:30", value) from error
        if moment.tzinfo is not None:
            raise self.refuse("a day and time of the business, without a zone", value)
        return moment


def as_given(row: Any) -> dict[str, Any]:
    """What of a broadcast has to be there before it can go."""
    return {name: row[name] for name in ("content", "recipients", "subject_test")}


def check_ready(given: dict[str, Any]) -> None:
    """Raise :class:`InvalidError`, by field, unless a broadcast can go out."""
    faults: dict[str, str] = {}
    try:
        mail_blocks.check_ready(given["content"])
    except InvalidError as error:
        faults.update(error.fields or {"content": error.message})
    faults.update(subject_tests.check_ready(given["content"] or {}, given["subject_test"]))
    if not broadcast_recipients.is_chosen(broadcast_recipients.clean(given["recipients"])):
        faults["recipients"] = "Please choose who gets it."
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)


@server_callable(
    needs="marketing.manage",
    takes={"broadcast_id": BROADCAST_ID, "send_at": LocalMoment("When")},
    audit="broadcast.send",
)
def send_broadcast(broadcast_id: str, send_at: datetime | None = None) -> dict[str, Any]:
    """Send a broadcast, at once or at ``send_at`` by the clocks of the business.

    Raises :class:`InvalidError` unless mail and recipients are there and the time is to come, and
    :class:`ConflictError` (``wrong_status``) where it has been sent already.
    """
    return {"broadcast": full_broadcast(_send(broadcast_id, send_at))}


@in_transaction
def _send(broadcast_id: str, send_at: datetime | None) -> Any:
    row = find_broadcast(broadcast_id)
    if row["status"] not in (DRAFT, SCHEDULED):
        raise ConflictError("This broadcast has been sent already.", code="wrong_status")
    check_ready(as_given(row))
    before, now = row["status"], clock.now()
    moment = _moment(send_at, now)
    row.update(requested_by=current_actor().row, updated_at=now)
    if moment is None:
        start(row)
    else:
        row.update(status=SCHEDULED, scheduled_at=moment)
    audit.record(
        "send", "broadcast", broadcast_id, {"status": [before, row["status"]]}, {"at": moment}
    )
    return row


def _moment(send_at: datetime | None, now: datetime) -> datetime | None:
    if send_at is None:
        return None
    moment = send_at.replace(tzinfo=ZoneInfo(read_business().time_zone))
    if not now < moment <= now + MAX_AHEAD:
        raise InvalidError("Please choose a time to come, within a year.", field="send_at")
    return moment


def start(row: Any) -> None:
    """Have a broadcast planned and sent from now on. Call it inside a transaction."""
    row.update(status=PLANNING, started_at=clock.now(), scheduled_at=None, plan_after=0)
    outbox.add(KIND, {"broadcast_id": row["broadcast_id"]}, reference=row["broadcast_id"])


@server_callable(
    needs="marketing.manage", takes={"broadcast_id": BROADCAST_ID}, audit="broadcast.pause"
)
def pause_broadcast(broadcast_id: str) -> dict[str, Any]:
    """Hold a broadcast that is going out: nothing more of it is sent until it is resumed."""
    return {"broadcast": full_broadcast(_pause(broadcast_id))}


@in_transaction
def _pause(broadcast_id: str) -> Any:
    row = find_in_status(broadcast_id, (PLANNING, SENDING), "It does not go out just now.")
    ledger.hold(source_of(row))
    return _become(row, PAUSED, "pause")


@server_callable(
    needs="marketing.manage", takes={"broadcast_id": BROADCAST_ID}, audit="broadcast.resume"
)
def resume_broadcast(broadcast_id: str) -> dict[str, Any]:
    """Let a broadcast that is held go on where it stopped."""
    return {"broadcast": full_broadcast(_resume(broadcast_id))}


@in_transaction
def _resume(broadcast_id: str) -> Any:
    row = find_in_status(broadcast_id, (PAUSED,), "It is not paused.")
    ledger.release(source_of(row))
    if row["plan_after"] is None:
        return _become(row, SENDING, "resume")
    outbox.add(KIND, {"broadcast_id": broadcast_id}, reference=broadcast_id)
    return _become(row, PLANNING, "resume")


@server_callable(
    needs="marketing.manage", takes={"broadcast_id": BROADCAST_ID}, audit="broadcast.cancel"
)
def cancel_broadcast(broadcast_id: str) -> dict[str, Any]:
    """Stop a broadcast for good: what has not gone out does not go. One that waits for its time
    becomes a draft again."""
    return {"broadcast": full_broadcast(_cancel(broadcast_id))}


@in_transaction
def _cancel(broadcast_id: str) -> Any:
    open_states = (SCHEDULED, PLANNING, SENDING, PAUSED)
    row = find_in_status(broadcast_id, open_states, "There is nothing left to stop.")
    if row["status"] == SCHEDULED:
        return _become(row, DRAFT, "cancel", scheduled_at=None)
    ledger.cancel(source_of(row))
    return _become(row, CANCELLED, "cancel", finished_at=clock.now())


def _become(row: Any, status: str, verb: str, **more: Any) -> Any:
    before = row["status"]
    row.update(status=status, updated_at=clock.now(), **more)
    audit.record(verb, "broadcast", row["broadcast_id"], {"status": [before, status]})
    return row
