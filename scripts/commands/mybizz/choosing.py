"""What commands on several instances share: which ones, one after the other, how far."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.commands.mybizz.job import (
    FAILED,
    Answer,
    Job,
)
from scripts.operations.backup_schedule import (
    Failures,
)
from scripts.operations.backups import (
    MANIFEST_FILE,
    Advance,
    Backup,
    find_backup,
    read_backup,
)
from scripts.operations.instances import (
    InstanceFolder,
    list_instances,
    require_instance,
)

names = click.argument("names", nargs=-1)
everyone = click.option("--all", "is_all", is_flag=True, help="Every instance.")
origin = click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Take the backup from here: a backup's folder, or one with several.",
)


def choose(job: Job, names: Sequence[str], is_all: bool) -> list[InstanceFolder]:
    if bool(names) == is_all:
        raise click.UsageError("Name instances, or give --all.")
    return list_instances(job.home) if is_all else [require_instance(job.home, n) for n in names]


def find_chosen(instance: InstanceFolder, wanted: str | None, source: Path | None) -> Backup:
    if source is not None and (source / MANIFEST_FILE).exists():
        return read_backup(source)
    base = source or instance.backups
    inside = base / instance.name
    return find_backup(inside if inside.is_dir() else base, wanted)


def do_each(
    job: Job,
    instances: Sequence[InstanceFolder],
    act: Callable[[InstanceFolder], tuple[dict[str, Any], str]],
) -> Answer:
    """One failure does not keep the others from being done."""
    results, lines, failed = [], [], False
    for instance in instances:
        try:
            facts, line = act(instance)
        except Failures as error:
            failed, reason = True, str(error).strip()
            facts, line = {"error": reason}, f"{instance.name}: FAILED: {reason}"
        results.append({"instance": instance.name, **facts})
        lines.append(line)
    return Answer({"instances": results}, "\n".join(lines), FAILED if failed else 0)


@contextmanager
def progress(job: Job, title: str, backup: Backup | None = None) -> Iterator[Advance]:
    """A bar on the terminal while bytes go by; of a known number where a backup is read."""
    if job.is_json or not sys.stderr.isatty():
        job.say(f"{title} ...")
        yield lambda _count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=job.progress, transient=True) as bar:
        task = bar.add_task(title, total=backup.size if backup else None)
        yield lambda count: bar.advance(task, count)
