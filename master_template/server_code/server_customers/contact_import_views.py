"""What can be seen of imports of contacts: how far they are, what came of them, what was refused.

Whoever sees only a part of the customers sees only their own imports: a file may name anybody.
"""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import Any

import anvil
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_privacy.export_files import defuse
from ..server_shared.audit import Reads
from ..server_shared.callables import server_callable
from ..server_shared.errors import NotFoundError
from ..server_shared.validators import Int, Text
from . import contact_import_task as task
from .contact_import_files import ENCODINGS
from .contact_import_headings import FIELDS
from .contact_import_rows import DELIMITER_NAMES

NEEDS = task.NEEDS
IMPORT_ID = Text("The import's number", max_chars=40, required=True)
MAX_PAGE = 100


@server_callable(needs=NEEDS, takes={"import_id": IMPORT_ID})
def get_contact_import(import_id: str) -> dict[str, Any]:
    """``{"import": {...}}`` as it is now; starts the work anew where it has been cut off."""
    row = find_import(import_id)
    task.relaunch_if_stalled(row)
    return {"import": full_import(row)}


@server_callable(
    needs=NEEDS,
    takes={
        "offset": Int("Offset", minimum=0, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
    },
)
def list_contact_imports(offset: int = 0, page_size: int = 25) -> dict[str, Any]:
    """``{"imports": [...], "total"}``, newest first, without the previews."""
    found = app_tables.contact_imports.search(
        tables.order_by("created_at", ascending=False),
        q.page_size(offset + page_size),
        *_own_terms(),
    )
    rows = islice(found, offset, offset + page_size)
    return {"imports": [_summary(row) for row in rows], "total": len(found)}


@server_callable(
    needs=NEEDS,
    takes={"import_id": IMPORT_ID},
    audit=Reads("contact_import.download", of="import_id"),
)
def download_import_problems(import_id: str) -> dict[str, Any]:
    """``{"file": media}``: the refused rows of the newest stage, with the file's own columns, the
    line and the reason, ready to be put right and imported."""
    row = find_import(import_id)
    batches = app_tables.contact_import_batches.search(
        tables.order_by("number"),
        q.page_size(20),
        import_id=import_id,
        stage=row["stage"],
    )
    text = io.StringIO()
    writer = csv.writer(text)
    header = list(row["header"])
    writer.writerow([*map(defuse, header), "Line", "Reason"])
    for batch in batches:
        for line, _field, reason, cells in batch["refused"] or ():
            padded = [*cells, *[""] * (len(header) - len(cells))][: len(header)]
            writer.writerow([*map(defuse, padded), line, reason])
    name = row["file_name"].rsplit(".", 1)[0] + "-refused.csv"
    return {"file": anvil.BlobMedia("text/csv", text.getvalue().encode("utf-8-sig"), name=name)}


def _own_terms() -> tuple[Any, ...]:
    scope = scopes.current_scope()
    return () if scope is None else (q.all_of(created_by=scope.row),)


def find_import(import_id: str) -> Any:
    """The row of an import. Raises :class:`NotFoundError`."""
    row = app_tables.contact_imports.get(import_id=import_id)
    scope = scopes.current_scope()
    if row is None or (scope is not None and row["created_by"] != scope.row):
        raise NotFoundError("There is no such import; files are kept for 30 days.")
    return row


def _summary(row: Any) -> dict[str, Any]:
    return {
        "import_id": row["import_id"],
        "file_name": row["file_name"],
        "file_bytes": int(row["file_bytes"]),
        "state": row["state"],
        "stage": row["stage"],
        "total_rows": None if row["total_rows"] is None else int(row["total_rows"]),
        "done_rows": int(row["done_rows"]),
        "counts": _counts(row["counts"]),
        "checked_counts": None if row["checked_counts"] is None else _counts(row["checked_counts"]),
        "error": row["error"],
        "author_name": row["author_name"],
        "created_at": row["created_at"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
    }


def _counts(given: Any) -> dict[str, int]:
    return {name: int(number) for name, number in dict(given or {}).items()}


def full_import(row: Any) -> dict[str, Any]:
    """All of an import. ``fields`` and ``encodings`` are what can be chosen: pairs of word and
    text."""
    shape = dict(row["shape"])
    names = {sign: name for name, sign in DELIMITER_NAMES.items()}
    return {
        **_summary(row),
        "shape": {**shape, "delimiter": names.get(shape["delimiter"], "")},
        "sheets": list(row["sheets"] or ()),
        "header": list(row["header"]),
        "preview": [[line, list(cells)] for line, cells in row["preview"]],
        "mapping": list(row["mapping"]),
        "plan": dict(row["plan"]) if row["plan"] else None,
        "fields": [[name, label] for name, (label, _) in FIELDS.items()],
        "encodings": [[name, label] for name, label in ENCODINGS.items()],
        "version": int(row["version"]),
    }
