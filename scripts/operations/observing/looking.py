"""One look at everything: what the checks judge by."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from app_server.pauses import Mode, Pause, read_pause
from scripts.operations.home import Home
from scripts.operations.instances import NAME, InstanceFolder
from scripts.operations.observing.asking import (
    Answer,
    Counters,
    Reach,
    ask_server,
    make_client,
    read_certificate_end,
)
from scripts.operations.observing.database_look import DatabaseLook, look_into
from scripts.operations.observing.folder_look import FolderLook, Verified, look_at_folder
from scripts.operations.observing.machine_look import MachineLook, look_at_machine
from scripts.operations.observing.rules import Source
from scripts.operations.observing.settings import Settings
from scripts.operations.upgrading.recovering import is_interrupted

AT_ONCE = 24
"""Instances that are looked at at the same time: with 100 of them, and each time-out reached, a
round takes a minute."""

MANAGEMENT = "management"
CERTIFICATE_SECONDS = 600.0
SERVER_URL = "MYBIZZ_WATCH_SERVER_URL"
"""Where the server is, for a monitor in a container of its own."""


@dataclass(frozen=True, slots=True)
class InstanceLook:
    """One instance. ``answer`` and ``database`` are None where it is not meant to be served, or its
    configuration cannot be read. ``is_interrupted``: an upgrade was begun, and nobody carries it
    out."""

    folder: FolderLook
    port: int | None = None
    pause: Pause | None = None
    answer: Answer | None = None
    database: DatabaseLook | None = None
    certificate_ends_at: datetime | None = None
    is_interrupted: bool = False

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_meant_to_be_served(self) -> bool:
        is_whole = not (self.folder.unfinished_since or self.folder.destroying_since)
        return is_whole and bool(self.folder.config) and self.pause is None

    @property
    def is_changing(self) -> bool:
        return self.pause is not None and self.pause.mode is Mode.CHANGING


@dataclass(slots=True)
class Memory:
    """What is kept from round to round, as JSON: ``counters`` by instance, oldest first;
    ``starts`` of the server by port; stamps of ``releases``; ``backups`` that were read whole;
    ``clocks``: wall and steady clock of the last round; ``apps`` that were read, by instance;
    ``certificates`` by origin: when they were looked at, and when they end."""

    counters: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    starts: dict[str, list[float]] = field(default_factory=dict)
    releases: dict[str, Any] = field(default_factory=dict)
    backups: dict[str, Any] = field(default_factory=dict)
    clocks: list[float] = field(default_factory=list)
    apps: dict[str, list[str]] = field(default_factory=dict)
    certificates: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything at a moment. ``before`` is the memory with which it was begun, brought up to
    date."""

    at: datetime
    settings: Settings
    machine: MachineLook
    instances: Sequence[InstanceLook]
    memory: Memory

    def can_judge(self, instance: str | None, source: Source) -> bool:
        """Whether what a rule looks at was seen: else its alerts stay as they are."""
        if instance is None or source in (Source.MACHINE, Source.FOLDER):
            return True
        found = next((each for each in self.instances if each.name == instance), None)
        if found is not None and found.folder.problem:
            return False
        if found is None or not found.is_meant_to_be_served:
            # It is gone, or away on purpose: nothing of the kind is wrong any more.
            return True
        if source is Source.DATABASE:
            database = found.database
            return database is not None and database.is_read and database.is_whole
        return found.answer is not None and found.answer.reach in (Reach.WELL, Reach.ILL)


Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Eyes:
    """What a look goes by besides the installation; tests put their own in place. ``clock`` is the
    machine's, in seconds since 1970, ``steady`` one that nobody sets."""

    clock: Clock = time.time
    steady: Clock = time.monotonic


def look(
    home: Home,
    settings: Settings,
    memory: Memory,
    now: datetime,
    *,
    eyes: Eyes | None = None,
    names: Sequence[str] = (),
    is_thorough: bool = False,
) -> Look:
    """See everything, or these instances of it. ``is_thorough`` reads every newest backup whole."""
    eyes = eyes or Eyes()
    verified = Verified(now, memory.backups, is_all=is_thorough)
    folders = [each for each in find_folders(home) if not names or each.name in names]
    with ThreadPoolExecutor(AT_ONCE) as pool, make_client() as client:
        view = View(settings, verified, now, eyes, lambda seen: _ask(client, seen, settings))
        found = list(pool.map(lambda each: _look_at(home, each, view, memory), folders))
    used = {"the data": home.data, "the instances": home.instances, "the releases": home.releases}
    used["the database"] = home.postgres
    for each in found:
        for folder in each.folder.backups.folders:
            used.setdefault(f"backups in {folder.parent}", folder)
    jump = _measure_jump(memory, eyes)
    machine = look_at_machine(home, used, memory.releases, jump)
    memory.backups = {**memory.backups, **verified.kept} if names else verified.kept
    return Look(now, settings, machine, found, memory)


def find_folders(home: Home) -> list[InstanceFolder]:
    """Every instance's folder, also half made or half destroyed ones, and the management app's."""
    found = []
    if home.instances.exists():
        for path in sorted(home.instances.iterdir()):
            each = InstanceFolder(path.name, path)
            marks = (each.config_file, each.unfinished_marker, each.destroying_marker)
            if NAME.fullmatch(path.name) and any(mark.exists() for mark in marks):
                found.append(each)
    management = InstanceFolder(MANAGEMENT, home.data / MANAGEMENT)
    return [*found, management] if management.exists() else found


@dataclass(frozen=True, slots=True)
class View:
    """What one look at all instances goes by."""

    settings: Settings
    verified: Verified
    now: datetime
    eyes: Eyes
    ask: Callable[[InstanceLook], Answer]


def _look_at(home: Home, instance: InstanceFolder, view: View, memory: Memory) -> InstanceLook:
    folder = look_at_folder(home, instance, view.verified, memory.apps)
    port = folder.config.get("port")
    seen = InstanceLook(
        folder,
        port if isinstance(port, int) else None,
        read_pause(instance.path),
        is_interrupted=is_interrupted(instance),
    )
    if not seen.is_meant_to_be_served:
        return seen
    url = folder.database_url
    return replace(
        seen,
        answer=view.ask(seen),
        database=look_into(url, view.now, view.settings.limits, view.eyes.clock) if url else None,
        certificate_ends_at=_find_certificate_end(folder.origin, view.now, memory.certificates),
    )


def _find_certificate_end(
    origin: str, now: datetime, known: dict[str, list[Any]]
) -> datetime | None:
    """As it was seen lately: visitors' way to an address is long, and a certificate lasts."""
    entry = known.get(origin)
    if entry is None or not 0 <= now.timestamp() - entry[0] < CERTIFICATE_SECONDS:
        ends_at = read_certificate_end(origin)
        entry = known[origin] = [now.timestamp(), ends_at.isoformat() if ends_at else None]
    return datetime.fromisoformat(entry[1]) if entry[1] else None


def _ask(client: httpx.Client, seen: InstanceLook, settings: Settings) -> Answer:
    given = settings.server_url or os.environ.get(SERVER_URL)
    base = given or (f"http://127.0.0.1:{seen.port}" if seen.port else None)
    if base is None:
        return Answer(Reach.REFUSED, "its configuration names no port")
    host = urlsplit(seen.folder.origin).netloc or "localhost"
    token = seen.folder.config.get("metrics-token")
    return ask_server(client, base.rstrip("/"), host, str(token) if token else None)


def _measure_jump(memory: Memory, eyes: Eyes) -> float:
    """By how many seconds the wall clock went another way than a steady one, since last time."""
    wall, steady = eyes.clock(), eyes.steady()
    jump = 0.0
    if len(memory.clocks) == 2:
        passed = steady - memory.clocks[1]
        # A steady clock begins anew when the machine starts.
        jump = (wall - memory.clocks[0]) - passed if passed >= 0 else 0.0
    memory.clocks = [wall, steady]
    return jump


def remember_counters(look: Look) -> None:
    """Keep what was counted now for later rounds, as far back as the window reaches."""
    now = look.at.timestamp()
    oldest = now - 2 * 60 * look.settings.limits.window_minutes
    kept: dict[str, list[dict[str, Any]]] = {}
    for each in look.instances:
        known = [c for c in look.memory.counters.get(each.name, []) if oldest <= c["at"] <= now]
        counters = each.answer.counters if each.answer else None
        if counters is not None:
            known.append({**counters.to_json(), "at": now, "faults": _sum_faults(each)})
        if known:
            kept[each.name] = known
    look.memory.counters = kept


def _sum_faults(each: InstanceLook) -> dict[str, list[int]]:
    rows = each.database.rows("faults") if each.database else ()
    return {row["period_start"].isoformat(): [row["calls"], row["internal"]] for row in rows}


def read_window(look: Look, name: str) -> tuple[Counters, Counters, Mapping[str, Any]] | None:
    """The counters at the window's beginning and now, and ``{"calls", "internal"}`` of the app's
    own count in between; None where there is nothing to compare with. One that was started
    meanwhile has counted from zero."""
    found = next((each for each in look.instances if each.name == name), None)
    counters = found.answer.counters if found and found.answer else None
    if found is None or counters is None:
        return None
    beginning = look.at.timestamp() - 60 * look.settings.limits.window_minutes
    known = [c for c in look.memory.counters.get(name, []) if c["at"] >= beginning]
    if not known:
        return None
    entry = {key: value for key, value in known[0].items() if key != "faults"}
    first = Counters.from_json(entry)
    if first.started_at != counters.started_at:
        first = Counters(at=first.at, started_at=counters.started_at)
    before, faults = known[0].get("faults") or {}, _sum_faults(found)
    calls = sum(max(0, f[0] - before.get(hour, [0, 0])[0]) for hour, f in faults.items())
    internal = sum(max(0, f[1] - before.get(hour, [0, 0])[1]) for hour, f in faults.items())
    return first, counters, {"calls": calls, "internal": internal}


def utc_now() -> datetime:
    return datetime.now(UTC)


def data_folder(home: Home) -> Path:
    """Where the monitor keeps what it knows."""
    return home.data / "observing"
