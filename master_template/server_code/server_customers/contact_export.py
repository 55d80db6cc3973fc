"""Exports of contacts: a list, a segment or a selection as a file that only its asker gets.

A small one is made at once, a large one by a background task that goes through the contacts batch
by batch. Killed, the task begins anew: an export changes nothing. The file can be downloaded for
EXPIRES_AFTER, by whoever asked for it and for as long as they may see contacts.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import IO, Any
from zoneinfo import ZoneInfo

import anvil
import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import acting_as, actor_of, current_actor
from ..server_shared import audit, clock, schedule
from ..server_shared.audit import Reads
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import AppError, ConflictError, NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Items, Text
from .contact_export_files import COLUMNS, CSV, ENDINGS, FORMATS, Writer, needed_columns
from .contact_query import SELECTION, count, selection_condition

NEEDS = "customers.manage"
EXPORT_ID = Text("The export's number", max_chars=40, required=True)
AT_ONCE_ROWS = 1_000
BATCH_ROWS = 1_000
EXPIRES_AFTER = timedelta(hours=24)
LEASE = timedelta(seconds=90)
SPOOL_BYTES = 5_000_000  # beyond it a file in the making lies on the disk
TASK = "run_contact_export"
WORKING, READY, FAILED = "working", "ready", "failed"
MAX_SHOWN = 50

log = logging.getLogger("mybizz.exports")


@server_callable(
    needs=NEEDS,
    takes={
        "selection": SELECTION,
        "format": Choice("Format", FORMATS, default=CSV),
        "columns": Items("Columns", Choice("A column", tuple(COLUMNS)), max_items=len(COLUMNS)),
    },
    audit="contact_export.create",
    atomic=False,
)
def export_contacts(
    selection: dict[str, Any], format: str = CSV, columns: list[str] | None = None
) -> dict[str, Any]:
    """Export the contacts of a selection; give ``{"export": {...}}``.

    Its ``state`` is ``ready`` where they are few, and ``working`` where a task goes on with them.
    ``columns`` are keys of COLUMNS, all of them where none is given.
    """
    total = count(selection_condition(selection))
    if not total:
        raise ConflictError("Nobody matches, so there is nothing to export.", code="nobody")
    export_id = _create(selection, format, columns or list(COLUMNS), total)
    if total <= AT_ONCE_ROWS:
        _make(export_id)
    else:
        _launch(export_id)
    return {"export": _shown(_find(export_id))}


@in_transaction
def _create(selection: dict[str, Any], format: str, columns: list[str], total: int) -> str:
    now = clock.now()
    export_id = "exp" + secrets.token_hex(6)
    day = now.astimezone(ZoneInfo(read_business().time_zone))
    app_tables.contact_exports.add_row(
        export_id=export_id,
        format=format,
        columns=columns,
        selection=selection,
        state=WORKING,
        total_rows=total,
        done_rows=0,
        file_name=f"contacts-{day:%Y-%m-%d}.{ENDINGS[format][0]}",
        leased_until=now + LEASE,
        created_by=current_actor().row,
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )
    details = {"contacts": total, "format": format, "columns": columns, "selection": selection}
    audit.record("create", "contact_export", export_id, details=details)
    return export_id


def _launch(export_id: str) -> None:
    try:
        anvil.server.launch_background_task(TASK, export_id)
    except Exception:
        # The export is noted; the schedule comes along.
        log.exception("the export %s could not be started", export_id)


@anvil.server.background_task
def run_contact_export(export_id: str) -> None:
    """Make the file of an export in the name of who asked for it."""
    row = app_tables.contact_exports.get(export_id=export_id, state=WORKING)
    if row is None:
        return
    actor = actor_of(row["created_by"]) if row["created_by"] is not None else None
    if actor is None or not actor.is_staff or not actor.may(NEEDS):
        _fail(export_id, "Who asked for this may not see contacts any more.")
        return
    with acting_as(actor):
        _make(export_id)


@schedule.job(
    "contact_exports",
    "Exports that were interrupted",
    schedule.EveryMinutes(15),
    "Makes files of contacts whose making was cut off",
)
def resume_stalled_exports(run: schedule.Run) -> dict[str, int]:
    """Start every export anew that nobody works on any more."""
    stalled = list(
        app_tables.contact_exports.search(state=WORKING, leased_until=q.less_than(clock.now()))
    )
    return {"resumed": sum(_relaunch_if_stalled(row) for row in stalled)}


def _relaunch_if_stalled(row: Any) -> bool:
    if row["state"] != WORKING or row["leased_until"] >= clock.now():
        return False
    if not _give_time(row["export_id"]):
        return False
    _launch(row["export_id"])
    return True


@in_transaction
def _give_time(export_id: str) -> bool:
    row = app_tables.contact_exports.get(export_id=export_id, state=WORKING)
    now = clock.now()
    if row is None or row["leased_until"] >= now:
        return False
    row.update(lease=None, leased_until=now + LEASE)
    return True


def _make(export_id: str) -> None:
    lease = _take(export_id)
    if lease is None:
        return
    try:
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
            done = _write(export_id, lease, file)
            if done is not None:
                file.seek(0)
                _finish(export_id, lease, file.read(), done)
    except AppError as error:
        _fail(export_id, error.message)


@in_transaction
def _take(export_id: str) -> str | None:
    row = app_tables.contact_exports.get(export_id=export_id, state=WORKING)
    now = clock.now()
    if row is None or (row["lease"] and row["leased_until"] > now):
        return None
    lease = secrets.token_hex(8)
    row.update(lease=lease, leased_until=now + LEASE, done_rows=0)
    return lease


def _write(export_id: str, lease: str, file: IO[bytes]) -> int | None:
    """Write all contacts into a file; give how many, or None where somebody else does it."""
    row = app_tables.contact_exports.get(export_id=export_id)
    names = [name for name in row["columns"] if name in COLUMNS]
    matching = selection_condition(SELECTION.check(_plain(row["selection"])))
    writer = Writer(file, row["format"], names, read_business().time_zone)
    last, done = 0, 0
    while True:
        found = app_tables.contacts.search(
            tables.order_by("number"),
            q.fetch_only(*needed_columns(names)),
            q.page_size(BATCH_ROWS),
            q.all_of(matching, number=q.greater_than(last)),
        )
        batch = list(islice(found, BATCH_ROWS))
        writer.write(batch)
        done += len(batch)
        if len(batch) < BATCH_ROWS:
            writer.close()
            return done
        last = int(batch[-1]["number"])
        if not _renew(export_id, lease, done):
            return None


def _plain(value: Any) -> Any:
    """A simple object as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    return [_plain(part) for part in value]


@in_transaction
def _renew(export_id: str, lease: str, done: int) -> bool:
    row = app_tables.contact_exports.get(export_id=export_id, lease=lease)
    if row is None:
        return False
    row.update(done_rows=done, leased_until=clock.now() + LEASE)
    return True


@in_transaction
def _finish(export_id: str, lease: str, data: bytes, done: int) -> None:
    row = app_tables.contact_exports.get(export_id=export_id, lease=lease)
    if row is None:
        return
    now = clock.now()
    row.update(
        state=READY,
        file=anvil.BlobMedia(ENDINGS[row["format"]][1], data, name=row["file_name"]),
        total_rows=done,
        done_rows=done,
        lease=None,
        finished_at=now,
        expires_at=now + EXPIRES_AFTER,
    )


@in_transaction
def _fail(export_id: str, reason: str) -> None:
    row = app_tables.contact_exports.get(export_id=export_id, state=WORKING)
    if row is not None:
        row.update(state=FAILED, error=reason, lease=None, finished_at=clock.now())


@server_callable(needs=NEEDS, takes={"export_id": EXPORT_ID})
def get_contact_export(export_id: str) -> dict[str, Any]:
    """``{"export": {...}}`` as it is now; starts the work anew where it has been cut off."""
    row = _find(export_id)
    _relaunch_if_stalled(row)
    return {"export": _shown(row)}


@server_callable(needs=NEEDS)
def list_contact_exports() -> dict[str, Any]:
    """``{"exports": [...]}``: the caller's own that can still be downloaded, newest first."""
    found = app_tables.contact_exports.search(
        tables.order_by("created_at", ascending=False),
        q.page_size(MAX_SHOWN),
        created_by=current_actor().row,
        expires_at=q.greater_than(clock.now()),
    )
    return {"exports": [_shown(row) for row in islice(found, MAX_SHOWN)]}


@server_callable(
    needs=NEEDS,
    takes={"export_id": EXPORT_ID},
    audit=Reads("contact_export.download", of="export_id"),
)
def download_contact_export(export_id: str) -> dict[str, Any]:
    """``{"file": media}`` for whoever asked for it."""
    row = _find(export_id)
    if row["state"] != READY:
        raise ConflictError("This file is not ready yet.", code="not_ready")
    # Its bytes, and not the media itself: that would be an address, which others can open too.
    kept = row["file"]
    file = anvil.BlobMedia(kept.content_type, kept.get_bytes(), name=row["file_name"])
    return {"file": file}


@server_callable(needs=NEEDS, takes={"export_id": EXPORT_ID}, audit="contact_export.delete")
def delete_contact_export(export_id: str) -> dict[str, Any]:
    """Delete the file of an export, or stop its making."""
    row = _find(export_id)
    changes = {"file_name": [row["file_name"], None]}
    row.delete()
    audit.record("delete", "contact_export", export_id, changes)
    return {"export_id": export_id}


def _find(export_id: str) -> Any:
    """An export of the caller that has not expired."""
    row = app_tables.contact_exports.get(export_id=export_id)
    is_theirs = row is not None and row["created_by"] == current_actor().row
    if not is_theirs or row["expires_at"] <= clock.now():
        raise NotFoundError("There is no such file; it can be downloaded for 24 hours.")
    return row


def _shown(row: Any) -> dict[str, Any]:
    return {
        "export_id": row["export_id"],
        "file_name": row["file_name"],
        "format": row["format"],
        "state": row["state"],
        "total_rows": int(row["total_rows"]),
        "done_rows": int(row["done_rows"]),
        "error": row["error"],
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
    }
