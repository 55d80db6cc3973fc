#!/usr/bin/env python3
"""Bring contacts from a CSV file into an instance.

    scripts/uplink/import_contacts.py customers.csv --instance yogastudio

A row that is there already is brought up to date, so a file may be imported twice. Rows that are
refused are listed with the reason and written to ``customers.csv.refused.csv``, ready to be put
right and imported. A run that was interrupted goes on where it stopped.

Exit code: 0 all rows are in, 1 some were refused, 2 nothing could be done.
"""

from __future__ import annotations

from pathlib import Path

if __name__ == "__main__":
    import in_project  # type: ignore[import-not-found]  # noqa: F401

import argparse
import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from scripts.uplink.connection import (
    Call,
    UplinkError,
    add_target_options,
    connected,
    find_target,
    finish,
)
from scripts.uplink.contact_csv import ContactFile, Line, NotContactsError, read_contacts

BATCH_ROWS = 500
SHOWN_REFUSALS = 20
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass
class Tally:
    """How far a run is. Kept beside the file, so that an interrupted run can go on."""

    file_sha256: str
    target: str
    done_rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it in one step, so that a kill leaves the former one."""
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(json.dumps(asdict(self)))
        temporary.replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give its exit code."""
    parser = argparse.ArgumentParser(description="Bring contacts from a CSV file into an instance.")
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    add_target_options(parser)
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        contacts = read_contacts(options.file)
        target = find_target(options)
        with connected(target) as call:
            tally = import_file(options.file, contacts, target.url + target.name, call, console)
    except (NotContactsError, UplinkError) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("Stopped. Run the same command again to go on where it stopped.")
        return 2
    report(options.file, contacts, tally, console)
    return 1 if tally.refused else 0


def import_file(
    path: Path, contacts: ContactFile, target: str, call: Call, console: Console
) -> Tally:
    """Send all rows in batches, with a progress bar, from where an earlier run stopped."""
    state = path.with_name(path.name + ".progress.json")
    tally = load_tally(state, path, target)
    if contacts.ignored:
        names = ", ".join(contacts.ignored)
        console.print(f"Columns not used: {names}", markup=False, highlight=False)
    separator = DELIMITER_NAMES[contacts.delimiter]
    console.print(f"{len(contacts.rows):,} rows, {contacts.encoding}, separated by {separator}")
    progress = Progress(
        TextColumn("Importing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    with progress:
        bar = progress.add_task("rows", total=len(contacts.rows), completed=tally.done_rows)
        for batch in _batches(islice(contacts.lines(), tally.done_rows, None)):
            send(batch, tally, call)
            tally.save(state)
            progress.update(bar, completed=tally.done_rows)
    state.unlink(missing_ok=True)
    return tally


def load_tally(state: Path, path: Path, target: str) -> Tally:
    """Where an earlier run on the same file and instance stopped, or a fresh start."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        saved = Tally(**json.loads(state.read_text()))
    except (OSError, ValueError, TypeError):
        return Tally(digest, target)
    return saved if (saved.file_sha256, saved.target) == (digest, target) else Tally(digest, target)


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    iterator = iter(lines)
    while batch := list(islice(iterator, BATCH_ROWS)):
        yield batch


def send(batch: list[Line], tally: Tally, call: Call) -> None:
    """Send one batch and count what became of it."""
    rows = [{"row": line.number, **line.contact} for line in batch if line.contact is not None]
    tally.refused += [(line.number, line.reason) for line in batch if line.contact is None]
    if rows:
        answer: dict[str, Any] = call("import_contacts", rows)
        tally.created += answer["created"]
        tally.updated += answer["updated"]
        tally.unchanged += answer["unchanged"]
        tally.refused += [(item["row"], item["reason"]) for item in answer["refused"]]
    tally.done_rows += len(batch)


def report(path: Path, contacts: ContactFile, tally: Tally, console: Console) -> None:
    """Say what was done; list refused rows and write them to a file of their own."""
    console.print(
        f"{tally.created:,} new, {tally.updated:,} brought up to date, "
        f"{tally.unchanged:,} unchanged, {len(tally.refused):,} refused."
    )
    refused_file = path.with_name(path.name + ".refused.csv")
    refused_file.unlink(missing_ok=True)
    if not tally.refused:
        return
    cells = dict(contacts.rows)
    reasons = sorted((int(number), str(reason)) for number, reason in tally.refused)
    with refused_file.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow([*contacts.header, "Line", "Reason"])
        for number, reason in reasons:
            row = cells[number][: len(contacts.header)]
            row += [""] * (len(contacts.header) - len(row))
            writer.writerow([*row, number, reason])
    table = Table("Line", "Reason", title="Refused", title_justify="left")
    for number, reason in reasons[:SHOWN_REFUSALS]:
        table.add_row(str(number), reason)
    console.print(table)
    if len(reasons) > SHOWN_REFUSALS:
        console.print(f"and {len(reasons) - SHOWN_REFUSALS:,} more.")
    console.print(f"All refused rows with their reasons: {refused_file}", highlight=False)


if __name__ == "__main__":
    finish(main())
