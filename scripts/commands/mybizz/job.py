"""What every command of ``scripts/mybizz`` has: options, errors told in a line, a log, JSON."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import click
import psycopg
from rich.console import Console, RenderableType

from app_server.errors import StartupError
from scripts.operations.command_log import Outcome, recorded
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.postgres import database_server

FAILED = 1
NOT_PROVEN = 3
INTERRUPTED = 130
# What goes on to another program is not folded for a terminal.
PIPED_COLUMNS = 240


@dataclass(frozen=True)
class Answer:
    """What a command has to say: ``facts`` for machines, ``shown`` for people."""

    facts: Mapping[str, Any]
    shown: RenderableType = ""
    code: int = 0


@dataclass(frozen=True)
class Job:
    """One run of a command. ``is_dry``: say what would be done, and do nothing."""

    home: Home
    is_json: bool = False
    is_dry: bool = False
    database: str | None = None
    progress: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def say(self, text: str) -> None:
        """Tell how far it is, on the standard error: the answer alone goes to the output. A program
        that wants to hear it beside the JSON sets MYBIZZ_PROGRESS."""
        if not self.is_json or os.environ.get("MYBIZZ_PROGRESS"):
            self.progress.print(text, markup=False)

    @property
    def has_server(self) -> bool:
        """Whether there is a Postgres server already; ``server`` makes the embedded one."""
        return self.database is not None or self.home.postgres.exists()

    @contextmanager
    def server(self) -> Iterator[DatabaseServer]:
        """The Postgres server that instances are made on."""
        self.home.make()
        with database_server(self.home, self.database) as server:
            yield server


dry_run = click.option(
    "--dry-run", "is_dry", is_flag=True, help="Say what would be done, and do nothing."
)


def _read_database(
    _context: click.Context, _option: click.Parameter, url: str | None
) -> str | None:
    """What was given, else what stands in the file that the environment names: a password on a
    command line can be read by everybody on the machine."""
    file = os.environ.get("MYBIZZ_DATABASE_FILE")
    if url or not file:
        return url
    try:
        return Path(file).read_text().strip() or None
    except OSError as error:
        raise click.UsageError(
            f"MYBIZZ_DATABASE_FILE names {file}, which can't be read: {error.strerror}."
        ) from error


database = click.option(
    "--database",
    metavar="URL",
    envvar="MYBIZZ_DATABASE",
    callback=_read_database,
    help="The Postgres server that the instances are on; its role may make databases and roles. "
    "Without it (and without MYBIZZ_DATABASE or MYBIZZ_DATABASE_FILE), the embedded one.",
)


def operation(
    *, is_reading: bool = False, is_noted: bool = True
) -> Callable[[Callable[..., Answer]], Any]:
    """Make a function into what a Click command runs. It gets a ``Job`` and its own options, and
    gives an ``Answer``; ``OperationError`` ends it with exit code 1 and one message.

    Commands that only read are noted in the log where there is an installation, and make none. One
    that a timer runs each minute and that changes nothing is not noted.
    """

    def decorate(function: Callable[..., Answer]) -> Any:
        @click.option(
            "--data-dir",
            type=click.Path(path_type=Path),
            metavar="DIR",
            envvar="MYBIZZ_DATA_DIR",
            help="The folder of the installation, as for scripts/run (or in MYBIZZ_DATA_DIR).",
        )
        @click.option("--json", "is_json", is_flag=True, help="Answer with one JSON object.")
        @functools.wraps(function)
        def run(
            data_dir: Path | None,
            is_json: bool,
            is_dry: bool = False,
            database: str | None = None,
            **options: Any,
        ) -> None:
            job = Job(Home.at(data_dir), is_json, is_dry, database)
            sys.exit(_run(job, lambda: function(job, **options), is_reading, is_noted))

        return run

    return decorate


def _run(job: Job, work: Callable[[], Answer], is_reading: bool, is_noted: bool) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        has_log = job.home.data.exists() or not (is_reading or job.is_dry)
        is_kept = has_log and is_noted
        context = recorded(job.home, sys.argv[1:]) if is_kept else nullcontext(Outcome())
        with context as outcome:
            outcome.code, outcome.error = _answer(job, work)
        return outcome.code
    except OperationError as error:
        _tell_error(job, str(error))
        return FAILED


def _answer(job: Job, work: Callable[[], Answer]) -> tuple[int, str]:
    """The exit code, and what went wrong."""
    try:
        answer = work()
    except (OperationError, StartupError, psycopg.Error) as error:
        _tell_error(job, str(error).strip())
        return FAILED, str(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code, error.format_message()
    except KeyboardInterrupt:
        _tell_error(job, "Interrupted.")
        return INTERRUPTED, "Interrupted."
    _show(job, answer)
    return answer.code, ""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _show(job: Job, answer: Answer) -> None:
    if job.is_json:
        facts = {"ok": answer.code == 0, **answer.facts}
        click.echo(json.dumps(facts, ensure_ascii=False, indent=1, default=str))
    elif answer.shown:
        # Markup would read "[...]" in people's words.
        width = None if sys.stdout.isatty() else PIPED_COLUMNS
        console = Console(highlight=False, markup=False, soft_wrap=True, width=width)
        console.print(answer.shown)


def _tell_error(job: Job, message: str) -> None:
    if job.is_json:
        click.echo(json.dumps({"ok": False, "error": message}, ensure_ascii=False))
    else:
        click.echo(f"\n{message}", err=True)


def confirm(what: str, name: str, is_sure: bool) -> None:
    """Have somebody type the name again. Raises ``OperationError`` where they don't."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise OperationError("Nobody can be asked whether this is meant. Give --yes.")
    if click.prompt(f"{what}. Type its name", err=True).strip() != name:
        raise OperationError("Nothing was done: that was another name.")
