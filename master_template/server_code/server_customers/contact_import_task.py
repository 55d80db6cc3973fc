"""Goes through the file of an import, batch by batch: a dry run first, then the import itself.

Each batch is one transaction, which also moves the cursor on and leaves a row that there can be
only once. So the task may be killed anywhere and started again, or run twice at once: nobody is
brought in twice, and no row is left out. Who is at work has a lease, which each batch renews; when
it has run out, the next look at the import or the schedule begins anew behind the last batch.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import TransactionConflict, app_tables
from anvil.tables import query as q

from ..server_auth.rbac import acting_as, actor_of
from ..server_shared import audit, clock, schedule
from ..server_shared.config import Business, read_business
from ..server_shared.errors import AppError, InvalidError
from ..server_shared.transactions import in_transaction
from . import contact_import_writing as writing
from . import segment_members
from .contact_import_files import FileShape, read_rows
from .contact_import_matching import REFUSED, Decision, Seen, by_phone, decide
from .contact_import_rows import NO_CONSENT, RowReader

UPLOADED, WORKING, CHECKED, DONE, CANCELLED, FAILED = STATES = (
    *("uploaded", "working", "checked"),
    *("done", "cancelled", "failed"),
)
CHECK, IMPORT = "check", "import"
TASK = "run_contact_import"
# Small enough to be far from the limit of a transaction, large enough that its round trips do not
# matter: see scripts/benchmarks.
BATCH_ROWS = 250
LEASE = timedelta(seconds=90)
GRACE = timedelta(seconds=30)  # for a task that has been launched to begin
MAX_CELL_CHARS = 1_000  # of a refused row, as it is kept
NEEDS = "customers.manage"

log = logging.getLogger("mybizz.imports")

Row = tuple[int, list[str]]


class LostLeaseError(Exception):
    """Somebody else goes on with this import, or it has been stopped."""


@dataclass(frozen=True)
class Job:
    """What one run of the task works on."""

    import_id: str
    lease: str
    stage: str
    done_rows: int
    shape: FileShape
    plan: dict[str, Any]
    file: Any
    file_name: str
    author: Any


@anvil.server.background_task
def run_contact_import(import_id: str) -> None:
    """Go on with an import where it stands, unless somebody else does."""
    job = _take(import_id)
    if job is not None:
        _run(job)


@schedule.job(
    "contact_imports",
    "Imports that were interrupted",
    schedule.EveryMinutes(15),
    "Goes on with imports of contacts whose work was cut off",
)
def resume_stalled_imports(run: schedule.Run) -> dict[str, int]:
    """Start every import anew that nobody works on any more."""
    stalled = list(
        app_tables.contact_imports.search(
            q.fetch_only("import_id"), state=WORKING, leased_until=q.less_than(clock.now())
        )
    )
    return {"resumed": sum(relaunch_if_stalled(row) for row in stalled)}


def relaunch_if_stalled(row: Any) -> bool:
    """Start the task of an import anew if nobody works on it any more; give whether that was so."""
    is_stalled = row["state"] == WORKING and row["leased_until"] < clock.now()
    if not is_stalled or not _give_time(row["import_id"]):
        return False
    launch(row["import_id"])
    return True


@in_transaction
def _give_time(import_id: str) -> bool:
    """Let one of all who look at an import at once start it."""
    row = app_tables.contact_imports.get(import_id=import_id, state=WORKING)
    now = clock.now()
    if row is None or row["leased_until"] >= now:
        return False
    row.update(lease=None, leased_until=now + GRACE)
    return True


def launch(import_id: str) -> None:
    """Start the task. Call it after the commit of what it shall see."""
    try:
        anvil.server.launch_background_task(TASK, import_id)
    except Exception:
        # What the caller did is committed; the schedule comes along.
        log.exception("the import %s could not be started", import_id)


@in_transaction
def _take(import_id: str) -> Job | None:
    row = app_tables.contact_imports.get(import_id=import_id, state=WORKING)
    now = clock.now()
    if row is None or (row["lease"] and row["leased_until"] and row["leased_until"] > now):
        return None
    lease = secrets.token_hex(8)
    row.update(lease=lease, leased_until=now + LEASE)
    return Job(
        import_id,
        lease,
        row["stage"],
        int(row["done_rows"]),
        FileShape.from_json(row["shape"]),
        dict(row["plan"]),
        row["file"],
        row["file_name"],
        row["created_by"],
    )


def _run(job: Job) -> None:
    try:
        actor = actor_of(job.author) if job.author is not None else None
        if actor is None or not actor.is_staff or not actor.may(NEEDS):
            raise AppError("The person who began this import may not change contacts any more.")
        with acting_as(actor):
            _go_through(job)
    except LostLeaseError:
        log.info("the import %s goes on elsewhere", job.import_id)
    except TransactionConflict:
        log.warning("the import %s was too often in the way of others", job.import_id)
        _release(job)
    except AppError as error:
        _finish(job, FAILED, error.message)
    except Exception:
        # The edge of the task: what nobody has thought of must not look like being at work.
        log.exception("the import %s failed", job.import_id)
        _finish(job, FAILED, "It failed unexpectedly. Please resume it; nobody is imported twice.")


def _go_through(job: Job) -> None:
    data = job.file.get_bytes()
    if job.done_rows == 0 and job.stage == CHECK:
        # All of the file is read before anything else is said of it.
        _note_total(job, sum(1 for _ in read_rows(data, job.shape)))
    business = read_business()
    reader = RowReader(job.plan, business)
    rows = read_rows(data, job.shape)
    seen = _seen_before(job, reader, islice(rows, job.done_rows))
    done = job.done_rows
    for batch in _batches(rows):
        accepted, refused = _read(reader, batch)
        _one_batch(job, business, done, batch, accepted, refused, seen)
        seen.keep()
        done += len(batch)
    _finish(job, CHECKED if job.stage == CHECK else DONE)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _read(
    reader: RowReader, batch: list[Row]
) -> tuple[list[tuple[int, dict[str, Any]]], list[Decision]]:
    """What can be taken from the rows of a batch, and what has to be refused."""
    accepted, refused = [], []
    for line, cells in batch:
        try:
            accepted.append((line, reader.read(cells)))
        except InvalidError as error:
            name, reason = next(iter(error.fields.items()), ("", error.message))
            refused.append(Decision(line, REFUSED, reason=reason, field=name))
    return accepted, refused


def _seen_before(job: Job, reader: RowReader, rows: Iterator[Row]) -> Seen:
    """Whom the rows before the cursor have named."""
    seen = Seen(by_phone(job.plan))
    if not job.done_rows:
        return seen
    batches = app_tables.contact_import_batches.search(import_id=job.import_id, stage=job.stage)
    refused = {item[0] for batch in batches for item in batch["refused"] or ()}
    for line, cells in rows:
        if line not in refused:
            seen.add(line, reader.read(cells))
    seen.keep()
    return seen


@in_transaction
def _one_batch(
    job: Job,
    business: Business,
    done: int,
    batch: list[Row],
    accepted: list[tuple[int, dict[str, Any]]],
    refused: list[Decision],
    seen: Seen,
) -> None:
    """Decide on a batch, and write it where this is not the dry run."""
    row = _held(job)
    if int(row["done_rows"]) != done:
        raise LostLeaseError
    seen.begin()
    rows = [(line, dict(values)) for line, values in accepted]
    decisions = sorted([*refused, *decide(rows, job.plan, seen)], key=lambda each: each.line)
    counts = writing.count(decisions)
    if job.stage == IMPORT:
        wanted = job.plan["segment"]
        segment = segment_members.find_segment(wanted) if wanted else None
        writing.write(decisions, _source(job), segment, business.currency)
        audit.record(
            "import",
            "contact",
            job.import_id,
            details={"file": job.file_name, "from_row": done + 1, **counts},
        )
    cells = dict(batch)
    app_tables.contact_import_batches.add_row(
        import_id=job.import_id,
        stage=job.stage,
        number=done // BATCH_ROWS,
        done_rows=done + len(batch),
        counts=counts,
        refused=[
            [
                each.line,
                each.field,
                each.reason,
                [cell[:MAX_CELL_CHARS] for cell in cells[each.line]],
            ]
            for each in decisions
            if each.outcome == REFUSED
        ],
        recorded_at=clock.now(),
    )
    total = Counter({name: int(number) for name, number in (row["counts"] or {}).items()})
    total.update(counts)
    row.update(done_rows=done + len(batch), counts=dict(total), leased_until=clock.now() + LEASE)


def _source(job: Job) -> dict[str, Any]:
    """Where the contacts of an import come from, and how the business knows that they agreed."""
    said = job.plan["consent_evidence"] if job.plan["consent"] != NO_CONSENT else ""
    evidence = f"Imported from {job.file_name}: {said}" if said else f"Said by {job.file_name}"
    return {"import_id": job.import_id, "file_name": job.file_name, "evidence": evidence}


def _held(job: Job) -> Any:
    """The import's row, while it is this task's. Raises :class:`LostLeaseError`."""
    row = app_tables.contact_imports.get(import_id=job.import_id)
    if row is None or row["state"] != WORKING or row["lease"] != job.lease:
        raise LostLeaseError
    return row


@in_transaction
def _note_total(job: Job, total: int) -> None:
    _held(job).update(total_rows=total, leased_until=clock.now() + LEASE)


@in_transaction
def _release(job: Job) -> None:
    _held(job).update(lease=None, leased_until=clock.now())


@in_transaction
def _finish(job: Job, state: str, error: str = "") -> None:
    row = app_tables.contact_imports.get(import_id=job.import_id)
    if row is None or row["state"] != WORKING or row["lease"] != job.lease:
        return
    now = clock.now()
    row.update(
        state=state,
        error=error or None,
        lease=None,
        leased_until=None,
        finished_at=now,
        version=int(row["version"]) + 1,
    )
    if state == CHECKED:
        row["checked_counts"] = row["counts"]
    if state == DONE:
        # All of it that counts is in the contacts now, which can be erased one by one.
        row.update(file=None, preview=[])
    outcome = {"state": [WORKING, state]}
    audit.record("finish", "contact_import", job.import_id, outcome, dict(row["counts"] or {}))


def forget_batches(import_id: str, stage: str) -> None:
    """Drop what is known of a stage that begins anew. Call it in a transaction."""
    with tables.batch_delete:
        for row in app_tables.contact_import_batches.search(import_id=import_id, stage=stage):
            row.delete()
