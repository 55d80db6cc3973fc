"""Prove that a moment can be restored, by restoring it beside the instances while they are used."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from scripts.operations.backups import make_backup
from scripts.operations.databases import DatabaseServer
from scripts.operations.drills import POINT_IN_TIME, Drill
from scripts.operations.fingerprints import Fingerprint, find_differences, read_fingerprints
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.restoring import scratch_database
from scripts.operations.wal.archive import open_archive, ship
from scripts.operations.wal.bases import Base
from scripts.operations.wal.recovery import Recovered, choose_base, recovered_server

Tables = dict[str, Fingerprint]
BEATS = "SELECT array_agg(number ORDER BY number) FROM mybizz_archive.beats WHERE at <= %s"


def drill_moment(
    home: Home,
    server: DatabaseServer,
    instances: Sequence[InstanceFolder],
    advance: Callable[[int], None] = lambda _count: None,
) -> list[Drill]:
    """Choose this moment, recover the server to it out of the archive, take each instance out and
    restore it into a scratch database; nothing that is used is touched.

    Each table that was the same shortly before and shortly after the moment has to come out
    so; what was written to meanwhile can't be compared. RPO: the age of the newest moment that was
    in the archive before the drill began, so what would have been lost with the machine.
    """
    archive = open_archive(home, server)
    now, until = datetime.now(UTC), archive.until
    before = [_read(server, each) for each in instances]
    moment = _read_moment(server)
    ship(home, server)
    after = [_read(server, each) for each in instances]
    rpo = (now - until).total_seconds() if until else float("inf")
    base = choose_base(archive, moment)
    started = time.monotonic()
    found = []
    with recovered_server(home, archive, moment, advance) as recovered:
        recovery_seconds = time.monotonic() - started
        lost = _find_lost_beats(server, recovered, moment)
        for instance, first, second in zip(instances, before, after, strict=True):
            begun = time.monotonic()
            still = {name: each for name, each in first.items() if second.get(name) == each}
            problems = [*lost, *_restore(home, server, recovered, instance, still, moment)]
            seconds = recovery_seconds + time.monotonic() - begun
            found.append(_note(instance, base, rpo, seconds, still, problems))
    return found


def _read(server: DatabaseServer, instance: InstanceFolder) -> Tables:
    with psycopg.connect(server.url(instance.database_name)) as connection:
        return read_fingerprints(connection)


def _read_moment(server: DatabaseServer) -> datetime:
    with server.connect() as connection:
        row: Any = connection.execute("SELECT clock_timestamp()").fetchone()
    moment: datetime = row[0]
    return moment


def _find_lost_beats(server: DatabaseServer, recovered: Recovered, moment: datetime) -> list[str]:
    """Each shipping commits a number: those until the moment have to be there, all of them."""
    told = []
    for each in (server, recovered.server):
        with each.connect() as connection:
            row: Any = connection.execute(BEATS, (moment,)).fetchone()
        told.append(set(row[0] or ()))
    lost = told[0] - told[1]
    return [f"{len(lost)} transactions that were committed before are not there"] if lost else []


def _restore(
    home: Home,
    server: DatabaseServer,
    recovered: Recovered,
    instance: InstanceFolder,
    expected: Tables,
    moment: datetime,
) -> list[str]:
    """Do what a restore does, up to the exchange; what is not as it was at the moment."""
    name = instance.database_name
    try:
        with tempfile.TemporaryDirectory(prefix=".drill-", dir=home.data) as folder:
            url = recovered.server.url(name)
            taken = make_backup(home, instance, url, target=Path(folder), at=moment)
            with scratch_database(home, server, taken, f"{name}__moment", name) as differences:
                problems = list(differences)
        found = {table: taken.fingerprints.get(table) for table in expected}
        there = {table: each for table, each in found.items() if each}
        return problems + find_differences(expected, there)
    except (OperationError, psycopg.Error) as error:
        return [str(error).strip()]


def _note(
    instance: InstanceFolder,
    base: Base,
    rpo_seconds: float,
    rto_seconds: float,
    compared: Tables,
    problems: list[str],
) -> Drill:
    rows = sum(each.rows for each in compared.values())
    source, count = base.id, len(compared)
    done = Drill(
        instance.name,
        POINT_IN_TIME,
        source,
        rpo_seconds,
        rto_seconds,
        count,
        rows,
        tuple(problems),
    )
    instance.log("drill", **done.to_json())
    return done
