"""A business asks for an upgrade; the platform's operator takes the request, and reports.

At most one request is open at a time (constraints.yaml). Whoever takes one has it for as long as
the lease runs, and is told by the lease's own word whether it still does: a program that was killed
is followed by the next, and one that was only slow can do no harm any more.
"""

from __future__ import annotations

import secrets
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import anvil.tables as tables
from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor, display_name
from ..server_shared import audit, clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, InvalidError, NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Choice, Int, Rule, Text
from .installed_release import note_installed
from .release_fields import BREAKING, VERSION, Version, order_of

REQUESTED, RUNNING = "requested", "running"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
OPEN_CONSTRAINT = "upgrade_requests_one_open"
NOW, TONIGHT = "now", "tonight"
NIGHT = time(2, 0)
LEASE_SECONDS = 600


class RequestId(Rule):
    """The id of a request as :func:`request_item` gives it."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) != 16 or not value.isalnum():
            raise self.refuse("the id of a request", value)
        return value


REQUEST_ID = RequestId("The request", required=True)
LEASE = Text("The lease", max_chars=64, required=True)
LEASE_RULE = Int("Lease in seconds", minimum=10, maximum=86_400, default=LEASE_SECONDS)


def request_item(row: Any) -> dict[str, Any]:
    """A request as people see it: ``request_id``, ``version``, ``state``, ``step`` (what is being
    done), ``message`` (what went wrong), ``requested_by``, ``requested_at``, ``due_at``,
    ``started_at``, ``finished_at``."""
    by = row["requested_by"]
    names = ("request_id", "version", "state", "requested_at", "due_at", "started_at")
    return {
        **{name: row[name] for name in (*names, "finished_at")},
        "step": row["step"] or "",
        "message": row["message"] or "",
        "requested_by": (display_name(by) or by["email"]) if by is not None else "",
    }


def _open_row() -> Any:
    return app_tables.upgrade_requests.get(is_open=True)


def open_item() -> dict[str, Any] | None:
    """The request that waits or runs."""
    row = _open_row()
    return request_item(row) if row is not None else None


def newest_item() -> dict[str, Any] | None:
    """The newest request, however it ended."""
    found = app_tables.upgrade_requests.search(
        tables.order_by("requested_at", ascending=False), q.page_size(1)
    )
    return next((request_item(row) for row in found), None)


def next_night() -> datetime:
    """The next two o'clock of the night where the business is."""
    zone = ZoneInfo(read_business().time_zone)
    here = clock.now().astimezone(zone)
    night = datetime.combine(here.date(), NIGHT, tzinfo=zone)
    if night <= here:
        night = datetime.combine(here.date() + timedelta(days=1), NIGHT, tzinfo=zone)
    return night


@server_callable(
    needs="settings.manage",
    takes={
        "release": VERSION,
        "when": Choice("When", (NOW, TONIGHT), required=True),
        "has_read_guide": Bool("I have read the migration guide", default=False),
    },
    audit="upgrade_request.create",
)
def request_upgrade(release: str, when: str, has_read_guide: bool = False) -> dict[str, Any]:
    """Ask for an upgrade, at once or tonight; ``{"request": {...}}``.

    Raises :class:`NotFoundError` where the release is not on offer, :class:`InvalidError` where it
    breaks something and its guide has not been read, and :class:`ConflictError`
    (``upgrade_waiting``) where a request is open.
    """
    try:
        return {"request": _create(release, when, has_read_guide)}
    except TableError as error:
        if OPEN_CONSTRAINT in str(error):
            raise _waiting() from error
        raise


def _waiting() -> ConflictError:
    return ConflictError(
        "An upgrade has been asked for already. Cancel that first, or let it finish.",
        code="upgrade_waiting",
    )


@in_transaction
def _create(version: str, when: str, has_read_guide: bool) -> dict[str, Any]:
    release = app_tables.platform_releases.get(version=version, is_installed=False)
    if release is None:
        raise NotFoundError(f"The release {version} is not on offer any more.")
    on_the_way = app_tables.platform_releases.search(
        is_installed=False, kind=BREAKING, number=q.less_than_or_equal_to(release["number"])
    )
    if len(on_the_way) and not has_read_guide:
        raise InvalidError(
            "Something works differently from this version on. Please read the guide first.",
            field="has_read_guide",
        )
    if _open_row() is not None:
        raise _waiting()
    now = clock.now()
    row = app_tables.upgrade_requests.add_row(
        request_id=secrets.token_hex(8),
        version=version,
        state=REQUESTED,
        is_open=True,
        requested_by=current_actor().row,
        requested_at=now,
        due_at=now if when == NOW else next_night(),
        attempts=0,
    )
    details = {"version": version, "due_at": row["due_at"]}
    audit.record("create", "upgrade_request", row["request_id"], details=details)
    return request_item(row)


@server_callable(
    needs="settings.manage", takes={"request_id": REQUEST_ID}, audit="upgrade_request.cancel"
)
def cancel_upgrade(request_id: str) -> dict[str, Any]:
    """Take back a request that nobody has taken yet.

    Raises :class:`ConflictError` (``upgrade_running``) once somebody has.
    """
    return {"request": _cancel(request_id)}


@in_transaction
def _cancel(request_id: str) -> dict[str, Any]:
    row = _find(request_id)
    if row["state"] != REQUESTED:
        raise ConflictError(
            "This upgrade has begun already, and cannot be taken back. If something goes wrong, "
            "everything is put back by itself.",
            code="upgrade_running",
        )
    row.update(state=CANCELLED, is_open=None, finished_at=clock.now())
    audit.record("cancel", "upgrade_request", request_id, {"state": [REQUESTED, CANCELLED]})
    return request_item(row)


def _find(request_id: str) -> Any:
    row = app_tables.upgrade_requests.get(request_id=request_id)
    if row is None:
        raise NotFoundError("There is no such request.")
    return row


@server_callable(
    needs=TRUSTED_ONLY,
    takes={"lease_seconds": LEASE_RULE, "installed": Version("The installed version")},
    audit=("upgrade_request.take", "release.install"),
)
def take_upgrade_request(
    lease_seconds: int = LEASE_SECONDS, installed: str | None = None
) -> dict[str, Any]:
    """The request that is due, for whoever carries it out: ``{"request": None}`` or its
    ``request_id``, ``version``, ``lease``, ``attempts``. One that was taken and not finished is
    given out again when its lease has run out. ``installed`` is what runs here now: who upgraded by
    another way may not have told."""
    return {"request": _take(lease_seconds, installed)}


@in_transaction
def _take(lease_seconds: int, installed: str | None) -> dict[str, Any] | None:
    now = clock.now()
    if installed is not None and note_installed(installed):
        settle_arrived(installed)
        audit.record("install", "release", installed, details={"installed": installed})
    else:
        audit.unchanged()
    row = _open_row()
    waits = row is not None and row["state"] == REQUESTED and row["due_at"] <= now
    is_left = row is not None and row["state"] == RUNNING and row["lease_until"] <= now
    if not waits and not is_left:
        return None
    before = row["state"]
    row.update(
        state=RUNNING,
        lease=secrets.token_hex(16),
        lease_until=now + timedelta(seconds=lease_seconds),
        attempts=int(row["attempts"] or 0) + 1,
        started_at=row["started_at"] or now,
        step="",
    )
    changes = {"state": [before, RUNNING], "attempts": [row["attempts"] - 1, row["attempts"]]}
    audit.record("take", "upgrade_request", row["request_id"], changes)
    return {name: row[name] for name in ("request_id", "version", "lease", "attempts")}


def _find_held(request_id: str, lease: str) -> Any:
    row = _find(request_id)
    if row["state"] != RUNNING or not secrets.compare_digest(row["lease"], lease):
        raise ConflictError(
            "Somebody else carries this request out meanwhile, or it is over.", code="lease_lost"
        )
    return row


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "request_id": REQUEST_ID,
        "lease": LEASE,
        "step": Text("Step", max_chars=200, required=True),
        "lease_seconds": LEASE_RULE,
    },
    audit="upgrade_request.report",
)
def report_upgrade(
    request_id: str, lease: str, step: str, lease_seconds: int = LEASE_SECONDS
) -> dict[str, Any]:
    """Say what is being done, in words for the owner, and keep the request for longer.

    Raises :class:`ConflictError` (``lease_lost``).
    """
    _report(request_id, lease, step, lease_seconds)
    return {}


@in_transaction
def _report(request_id: str, lease: str, step: str, lease_seconds: int) -> None:
    row = _find_held(request_id, lease)
    before = row["step"]
    row.update(step=step, lease_until=clock.now() + timedelta(seconds=lease_seconds))
    audit.record("report", "upgrade_request", request_id, {"step": [before, step]})


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "request_id": REQUEST_ID,
        "lease": LEASE,
        "is_done": Bool("Whether it is done", required=True),
        "message": Text("Message", max_chars=1_000, multiline=True, default=""),
    },
    audit="upgrade_request.finish",
)
def finish_upgrade(request_id: str, lease: str, is_done: bool, message: str = "") -> dict[str, Any]:
    """Say how it ended; ``message`` is what went wrong. Raises :class:`ConflictError`
    (``lease_lost``)."""
    _finish(request_id, lease, is_done, message)
    return {}


@in_transaction
def _finish(request_id: str, lease: str, is_done: bool, message: str) -> None:
    row = _find_held(request_id, lease)
    _end(row, DONE if is_done else FAILED, message)
    audit.record("finish", "upgrade_request", request_id, {"state": [RUNNING, row["state"]]})


def _end(row: Any, state: str, message: str = "") -> None:
    row.update(
        state=state,
        is_open=None,
        step="",
        message=message,
        finished_at=clock.now(),
        lease_until=None,
    )


def settle_arrived(installed: str) -> bool:
    """End an open request whose version has come by another way; whether there was one. Call it
    inside the transaction that notes what is installed."""
    row = _open_row()
    if row is None or order_of(row["version"]) > order_of(installed):
        return False
    if row["state"] == RUNNING and row["lease_until"] > clock.now():
        return False  # Whoever carries it out says so, in a moment.
    before = row["state"]
    _end(row, DONE)
    changes = {"state": [before, DONE]}
    audit.record("finish", "upgrade_request", row["request_id"], changes)
    return True
