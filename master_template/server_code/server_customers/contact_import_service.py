"""Imports of contacts as people carry them out: upload, columns, dry run, import.

``contact_import_task`` does the work, ``contact_import_views`` shows how far it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import anvil
from anvil.tables import app_tables

from ..server_auth.rbac import current_actor
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, InvalidError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Rule, Text
from . import contact_import_files as files
from . import contact_import_task as task
from . import segment_members
from .contact_import_headings import guess_mapping
from .contact_import_rows import DELIMITER_NAMES, IMPORT_PLAN, SHAPE, check_plan
from .contact_import_task import CANCELLED, CHECK, CHECKED, DONE, FAILED, IMPORT, UPLOADED, WORKING
from .contact_import_views import IMPORT_ID, NEEDS, find_import, full_import

AT_ONCE_BYTES = 20_000  # some 250 people, who are read in less than a second
PREVIEW_ROWS = 8
GUESS_ROWS = 60
MAX_PREVIEW_CHARS = 120


class UploadedTable(Rule):
    """An uploaded file, as (name, bytes). What it is its content says."""

    def check(self, value: Any) -> tuple[str, bytes]:
        if not isinstance(value, anvil.Media):
            raise self.refuse("a CSV file or an Excel workbook", value)
        if (value.length or 0) > files.MAX_UPLOAD_BYTES:
            raise files.too_large(value.length)
        data = value.get_bytes()
        name = Text("The name", max_chars=120).clean((value.name or "")[-120:]) or "contacts.csv"
        return name, data


@server_callable(
    needs=NEEDS, takes={"file": UploadedTable("The file")}, audit="contact_import.create"
)
def begin_contact_import(file: tuple[str, bytes] | None) -> dict[str, Any]:
    """Take a file in; give ``{"import": {...}}`` with a preview and a guess at its columns.

    Raises :class:`InvalidError` where it is no table of people.
    """
    if file is None:
        raise InvalidError("Please choose a CSV file or an Excel workbook.", field="file")
    name, data = file
    try:
        shape = files.recognise(data, read_business().locale.split("-")[0])
        looked_at = _look_at(data, shape)
    except InvalidError as error:
        raise InvalidError(error.message, field="file") from error
    now = clock.now()
    actor = current_actor()
    row = app_tables.contact_imports.add_row(
        import_id="imp" + secrets.token_hex(6),
        file_name=name,
        file_bytes=len(data),
        file=anvil.BlobMedia("application/octet-stream", data, name=name),
        sheets=files.sheet_names(data) if shape.kind == "xlsx" else [],
        state=UPLOADED,
        stage=CHECK,
        done_rows=0,
        counts={},
        created_by=actor.row,
        author_name=actor.author_name,
        created_at=now,
        version=1,
        **looked_at,
    )
    details = {"file": name, "bytes": len(data)}
    audit.record("create", "contact_import", row["import_id"], details=details)
    return {"import": full_import(row)}


def _look_at(data: bytes, shape: files.FileShape) -> dict[str, Any]:
    """The columns of an import that follow from how its file is read."""
    head = files.read_head(data, shape, GUESS_ROWS)
    return {
        "shape": shape.to_json(),
        "header": [name[:MAX_PREVIEW_CHARS] for name in head.header],
        "preview": [
            [line, [cell[:MAX_PREVIEW_CHARS] for cell in cells]]
            for line, cells in head.rows[:PREVIEW_ROWS]
        ],
        "mapping": guess_mapping(
            head.header if shape.has_header else [""] * len(head.header),
            [cells for _, cells in head.rows],
        ),
    }


@server_callable(
    needs=NEEDS, takes={"import_id": IMPORT_ID, "shape": SHAPE}, audit="contact_import.update"
)
def reread_contact_import(import_id: str, shape: Mapping[str, Any]) -> dict[str, Any]:
    """Read the file otherwise: with another encoding, separator or sheet, or without headings."""
    row = _open_row(import_id, UPLOADED, CHECKED, FAILED, CANCELLED)
    present = files.FileShape.from_json(row["shape"])
    wanted = files.FileShape(
        present.kind,
        shape["encoding"] or present.encoding if present.kind == "csv" else "",
        DELIMITER_NAMES.get(shape["delimiter"], present.delimiter) if present.kind == "csv" else "",
        shape["sheet"] or present.sheet,
        shape["has_header"],
    )
    looked_at = _look_at(row["file"].get_bytes(), wanted)
    _begin_anew(row, state=UPLOADED, **looked_at)
    changes = {"shape": [present.to_json(), wanted.to_json()]}
    audit.record("update", "contact_import", import_id, changes)
    return {"import": full_import(row)}


@server_callable(
    needs=NEEDS,
    takes={"import_id": IMPORT_ID, "plan": IMPORT_PLAN},
    audit="contact_import.check",
    atomic=False,
)
def check_contact_import(import_id: str, plan: dict[str, Any]) -> dict[str, Any]:
    """Begin the dry run of an import by this plan; it changes no contact."""
    check_plan(plan)
    _begin_check(import_id, plan)
    return _set_going(import_id)


@in_transaction
def _begin_check(import_id: str, plan: dict[str, Any]) -> None:
    row = _open_row(import_id, UPLOADED, CHECKED, FAILED, CANCELLED)
    if len(plan["mapping"]) != len(row["header"]):
        text = f"The file has {len(row['header'])} columns, the plan {len(plan['mapping'])}."
        raise InvalidError(text, field="mapping")
    _check_segment(plan["segment"])
    _begin_anew(row, state=WORKING, plan=plan, mapping=plan["mapping"])
    audit.record("check", "contact_import", import_id, details=_told(plan))


def _check_segment(segment_id: str | None) -> None:
    if not segment_id:
        return
    segment = segment_members.find_segment(segment_id)
    if segment["segment_type"] != segment_members.STATIC:
        raise InvalidError(
            "This segment finds its members by rules. Please choose one whose members are picked "
            "by hand.",
            field="segment",
        )


def _told(plan: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in plan.items() if value and name != "mapping"}
    return {**shown, "columns": [name for name in plan["mapping"] if name]}


def _begin_anew(row: Any, **columns: Any) -> None:
    task.forget_batches(row["import_id"], CHECK)
    row.update(
        stage=CHECK,
        done_rows=0,
        total_rows=None,
        counts={},
        checked_counts=None,
        error=None,
        lease=None,
        leased_until=clock.now() + task.GRACE,
        finished_at=None,
        version=int(row["version"]) + 1,
        **columns,
    )


@server_callable(
    needs=NEEDS, takes={"import_id": IMPORT_ID}, audit="contact_import.start", atomic=False
)
def start_contact_import(import_id: str) -> dict[str, Any]:
    """Begin to bring in what the dry run has found good."""
    _start(import_id)
    return _set_going(import_id)


@in_transaction
def _start(import_id: str) -> None:
    row = _open_row(import_id, CHECKED)
    now = clock.now()
    row.update(
        state=WORKING,
        stage=IMPORT,
        done_rows=0,
        counts={},
        error=None,
        lease=None,
        leased_until=now + task.GRACE,
        started_at=now,
        finished_at=None,
        version=int(row["version"]) + 1,
    )
    details = {"file": row["file_name"], **dict(row["checked_counts"] or {})}
    audit.record("start", "contact_import", import_id, details=details)


@server_callable(needs=NEEDS, takes={"import_id": IMPORT_ID}, audit="contact_import.cancel")
def cancel_contact_import(import_id: str) -> dict[str, Any]:
    """Stop after the batch that is being written; who is in stays in."""
    row = find_import(import_id)
    if row["state"] != WORKING:
        audit.unchanged()
        return {"import": full_import(row)}
    row.update(
        state=CANCELLED,
        lease=None,
        leased_until=None,
        finished_at=clock.now(),
        version=int(row["version"]) + 1,
    )
    audit.record("cancel", "contact_import", import_id, {"state": [WORKING, CANCELLED]})
    return {"import": full_import(row)}


@server_callable(
    needs=NEEDS, takes={"import_id": IMPORT_ID}, audit="contact_import.resume", atomic=False
)
def resume_contact_import(import_id: str) -> dict[str, Any]:
    """Go on behind the last row that was done, after it was cancelled or has failed."""
    _resume(import_id)
    return _set_going(import_id)


@in_transaction
def _resume(import_id: str) -> None:
    row = _open_row(import_id, CANCELLED, FAILED)
    if row["plan"] is None:
        raise ConflictError("Please choose the columns first.", code="import_state")
    before = row["state"]
    row.update(
        state=WORKING,
        error=None,
        lease=None,
        leased_until=clock.now() + task.GRACE,
        finished_at=None,
        version=int(row["version"]) + 1,
    )
    audit.record("resume", "contact_import", import_id, {"state": [before, WORKING]})


def _set_going(import_id: str) -> dict[str, Any]:
    """Do the work of a small file at once, and have a task do that of a large one. Outside of any
    transaction."""
    row = find_import(import_id)
    if row["shape"]["kind"] == "csv" and row["file_bytes"] <= AT_ONCE_BYTES:
        task.run_contact_import(import_id)
    else:
        task.launch(import_id)
    return {"import": full_import(find_import(import_id))}


@server_callable(needs=NEEDS, takes={"import_id": IMPORT_ID}, audit="contact_import.delete")
def delete_contact_import(import_id: str) -> dict[str, Any]:
    """Delete the file and all that is kept of an import; the contacts stay."""
    row = _open_row(import_id, UPLOADED, CHECKED, DONE, CANCELLED, FAILED)
    for stage in (CHECK, IMPORT):
        task.forget_batches(import_id, stage)
    changes = {"file_name": [row["file_name"], None], "state": [row["state"], None]}
    row.delete()
    audit.record("delete", "contact_import", import_id, changes)
    return {"import_id": import_id}


def _open_row(import_id: str, *states: str) -> Any:
    """The row of an import that is in one of these states. An import that has begun to write can
    only go on."""
    row = find_import(import_id)
    begun = row["stage"] == IMPORT and UPLOADED in states and DONE not in states
    if row["state"] not in states or begun:
        raise ConflictError(
            f"This import is {_STATE_TEXTS[row['state']]}, so this cannot be done now.",
            code="import_state",
        )
    return row


_STATE_TEXTS = {
    UPLOADED: "not checked yet",
    WORKING: "at work",
    CHECKED: "checked and ready",
    DONE: "finished",
    CANCELLED: "cancelled",
    FAILED: "stopped by an error",
}
