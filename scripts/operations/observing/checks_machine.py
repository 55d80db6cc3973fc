"""Checks of the machine and of the database server, which all instances share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from scripts.operations.observing.database_look import DatabaseLook
from scripts.operations.observing.looking import InstanceLook, Look
from scripts.operations.observing.machine_look import DiskLook
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.wording import shorten, tell_names, tell_since, tell_span

MEGABYTE = 1_000_000


def check_machine(look: Look) -> Iterator[Finding]:
    machine, limits = look.machine, look.settings.limits
    for disk in machine.disks:
        yield from _check_disk(look, disk)
    if machine.write_problem:
        yield Finding(
            RULES["disk_readonly"],
            f"Nothing can be written to the installation's folder: {machine.write_problem}.",
            "Look at `dmesg`: a disk that fails is made read-only. If it is full, see 'A disk is "
            "almost full'.",
        )
    if machine.free_memory_percent < limits.memory_percent:
        yield Finding(
            RULES["memory_low"],
            f"Only {machine.free_memory_percent:.0f} % of the machine's memory are free.",
            "`scripts/mybizz fleet status` shows which business uses most. More memory, or fewer "
            "businesses on this machine.",
        )
    yield from _check_releases(look)
    yield from _check_key(look)
    yield from _check_clocks(look)
    yield from _check_database_servers(look)
    if machine.archive_problem:
        names = [each.name for each in look.instances]
        yield Finding(
            RULES["wal_archive_failing"],
            f"The archive of {tell_names(names)} does not grow: {shorten(machine.archive_problem)}",
            "See `scripts/mybizz archive status`, and whether the timer that ships it runs: "
            "`systemctl list-timers mybizz-backup.timer`.",
            part="archive",
            facts={"instances": names},
        )


def _check_disk(look: Look, disk: DiskLook) -> Iterator[Finding]:
    limits = look.settings.limits
    is_full = disk.used_percent >= limits.disk_percent
    is_short = disk.free_bytes < limits.disk_free_mb * MEGABYTE
    if not (is_full or is_short or disk.inodes_percent >= limits.disk_percent):
        return
    said = f"{disk.used_percent:.0f} % full, {disk.free_bytes // MEGABYTE} MB are free"
    if disk.inodes_percent >= limits.disk_percent and not (is_full or is_short):
        said = f"out of places for files: {disk.inodes_percent:.0f} % are taken"
    yield Finding(
        RULES["disk_full"],
        f"The disk of {tell_names(sorted(disk.used_by))} ({disk.path}) is {said}. When it is full, "
        "no business can save anything.",
        "`du -xh --max-depth=3` there shows what takes the place. Old backups go with "
        "`scripts/mybizz instance backup --all --keep-days 7`.",
        part=str(disk.path),
        facts={"free_bytes": disk.free_bytes, "used_percent": round(disk.used_percent, 1)},
    )


def _check_releases(look: Look) -> Iterator[Finding]:
    for version, changed in look.machine.changed_releases.items():
        users = [each.name for each in look.instances if each.folder.release == version]
        whose = f"{tell_names(users)} run on it" if users else "no business runs on it"
        yield Finding(
            RULES["release_changed"],
            f"{len(changed)} files of the release {version} are not as they were published "
            f"({shorten(', '.join(changed), 120)}); {whose}.",
            f"Somebody changed what must not change: `scripts/mybizz release show {version}`. "
            "Bring "
            f"releases/{version} back from a backup, and look who was there (`scripts/mybizz "
            "log`).",
            part=version,
            facts={"files": changed[:20], "instances": users},
        )


def _check_key(look: Look) -> Iterator[Finding]:
    newest = [each.folder.backups.newest for each in look.instances]
    sealed_by = {str(backup.manifest.get("key")) for backup in newest if backup is not None}
    if not sealed_by or look.machine.key_id in sealed_by:
        return
    names = [each.name for each in look.instances if each.folder.backups.newest is not None]
    said = look.machine.key_problem or "it is not the one that sealed them"
    yield Finding(
        RULES["backup_key_missing"],
        f"The backups of {tell_names(names)} cannot be opened with .data/backup.key: {said}.",
        "Put your copy of the key back in its place. Without it no backup can be read.",
        facts={"instances": names},
    )


def _check_clocks(look: Look) -> Iterator[Finding]:
    allowed = look.settings.limits.clock_seconds
    found: dict[str, float] = {}
    for each in look.instances:
        database = each.database
        if database is not None and database.is_read:
            skew = database.server["at"].timestamp() - database.measured_at
            found[f"the database server {database.host}"] = skew
    if abs(look.machine.clock_jump) > allowed:
        found["this machine"] = look.machine.clock_jump
    for where, skew in found.items():
        if abs(skew) > allowed:
            way = "ahead" if skew > 0 else "behind"
            names = [each.name for each in look.instances]
            yield Finding(
                RULES["clock_skew"],
                f"The clock of {where} is {tell_span(abs(skew))} {way}: times of bookings, log-ins "
                f"and backups of {tell_names(names)} are wrong.",
                "`timedatectl` shows whether the time is set from the network; `systemctl restart "
                "systemd-timesyncd` (or chrony) sets it.",
                part=where,
                facts={"seconds": round(skew, 1)},
            )


def _check_database_servers(look: Look) -> Iterator[Finding]:
    by_server: defaultdict[str, list[tuple[InstanceLook, DatabaseLook]]] = defaultdict(list)
    for each in look.instances:
        if each.database is not None:
            by_server[each.database.address].append((each, each.database))
    for server, found in by_server.items():
        names = [each.name for each, _database in found]
        read = [database for _each, database in found if database.is_read]
        crowded = [each.name for each, database in found if database.is_crowded]
        yield from _check_places(look, server, names, read, crowded)
        if read:
            yield from _check_archive(look, server, names, read[0])


def _check_places(
    look: Look, server: str, names: list[str], read: list[DatabaseLook], crowded: list[str]
) -> Iterator[Finding]:
    used = max((int(each.server["used"] or 0) for each in read), default=0)
    places = max((int(each.server["places"]) for each in read), default=0)
    percent = 100 * used / places if places else 0.0
    if not crowded and percent < look.settings.limits.connection_percent:
        return
    said = f"{used} of {places} connections are taken" if places else "no connection is free"
    whose = f"; {tell_names(crowded)} got none" if crowded else ""
    yield Finding(
        RULES["connections_exhausted"],
        f"The database server {server} of {tell_names(names)} is crowded: {said}{whose}.",
        "SELECT datname, count(*) FROM pg_stat_activity GROUP BY 1 ORDER BY 2 DESC shows whose "
        "they "
        "are. Raise max_connections, or set database-connections in that instance.yaml.",
        part=server,
        facts={"used": used, "places": places, "instances": names},
    )


def _check_archive(
    look: Look, server: str, names: list[str], database: DatabaseLook
) -> Iterator[Finding]:
    told = database.server
    failed, done = told["last_failed_time"], told["last_archived_time"]
    if told["archive_mode"] == "off" or failed is None or (done is not None and done > failed):
        return
    since = f", the last was kept {tell_since(done, look.at)}" if done else ""
    yield Finding(
        RULES["wal_archive_failing"],
        f"The changes of {tell_names(names)} are not archived{since}: a restore would lose what "
        "was done after it, and the database's disk fills up.",
        "Postgres's log says why (.data/postgres/server.log, 'archive command failed'): mostly the "
        "disk of the archive is full or not mounted.",
        part=server,
        facts={"failed_count": told["failed_count"], "instances": names},
    )
