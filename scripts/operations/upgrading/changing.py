"""Change an instance's release, as a whole or not at all.

1. The data are backed up, while the business is in use.
2. The release is tried on a copy of that backup: tables changed, server started, a log-in, calls.
   What does not work ends here, and no visitor notices.
3. Visitors wait. The database is closed and copied, the copy's tables are changed, and the two
   change places in one transaction; then the folder is pinned to the release.
4. The server takes over. Where the instance is not ready again, all of it is taken back.

Each step is noted on the disk before the next (``journal.py``). A change that is killed leaves a
state from which ``recovering.py`` goes on: back before the exchange, forward after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from app_server.pauses import Mode
from scripts.operations.backups import BEFORE_ROLLBACK, Backup, make_backup, read_backup
from scripts.operations.databases import DatabaseServer
from scripts.operations.fingerprints import find_differences, read_fingerprints
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.pausing import (
    end_pause,
    find_pause,
    probe,
    wait_until_released,
    write_pause,
)
from scripts.operations.provision import pinned_release
from scripts.operations.releases import Release, find_release
from scripts.operations.restoring import scratch_database
from scripts.operations.serving import is_port_free
from scripts.operations.upgrading.journal import Journal, Phase
from scripts.operations.upgrading.places import Places
from scripts.operations.upgrading.planning import migrate_tables
from scripts.operations.upgrading.rehearsing import rehearse, require_equal
from scripts.operations.upgrading.renaming import find_undone, forget_undone
from scripts.operations.upgrading.staging import (
    app_file,
    make_app_text,
    read_target,
    stage,
    switch_release,
    unstage,
)

MAX_WAIT_SECONDS = 35.0
"""For how long writes are stopped at most. A minute is promised; the rest is for the server to take
over, and for the way back where it does not."""
READY_SECONDS = 20.0
CHECK_SECONDS = 0.1
BEFORE = {"upgrade": "before-upgrade", "rollback": BEFORE_ROLLBACK}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Change:
    """To ``target``. With ``backup`` its data take the place of what is there; without it they are
    kept, and their tables changed."""

    kind: str
    target: Release
    allow_data_loss: bool = False
    backup: Backup | None = None
    max_wait_seconds: float = MAX_WAIT_SECONDS


@dataclass(frozen=True)
class Changed:
    """``backup`` holds the data as they were at the moment of the change; ``stopped_seconds`` is
    for how long nobody could write."""

    kind: str
    former: str
    version: str
    backup: str
    stopped_seconds: float
    calls: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "from": self.former,
            "release": self.version,
            "backup": self.backup,
            "stopped_seconds": round(self.stopped_seconds, 2),
            "calls": list(self.calls),
        }


class Changing:
    """One change of one instance, by whoever carries it out, completes it or takes it back."""

    def __init__(
        self,
        home: Home,
        server: DatabaseServer,
        instance: InstanceFolder,
        journal: Journal,
        say: Say,
    ):
        self.home = home
        self.server = server
        self.instance = instance
        self.journal = journal
        self.say = say
        self.places = Places(server, instance)

    def carry_out(self, change: Change) -> Changed:
        """Make the change. Whatever fails, the former release and its data go on, and it is
        raised."""
        try:
            with ExitStack() as scratch:
                self._prepare(change, scratch)
                self._make(change)
            return self.complete()
        except BaseException as error:
            if self._is_to_be_taken_back(error):
                self._try_to_take_back(error)
            elif isinstance(error, Exception):
                raise OperationError(
                    f"{self.instance.name} has {self.journal.target} and works. What is left to do "
                    f"could not be done: {tell(error)}\nOnce that is mended: "
                    f"`scripts/mybizz instance upgrade {self.instance.name} --resume`."
                ) from error
            raise

    def _is_to_be_taken_back(self, error: BaseException) -> bool:
        """Somebody who interrupts it after the exchange does not say that anything is wrong; what
        visitors wrote since then stays, and the next run completes it."""
        if isinstance(error, Exception):
            return self.journal.phase is not Phase.PROVEN
        return self.journal.phase not in (Phase.EXCHANGED, Phase.SWITCHED, Phase.PROVEN)

    def _try_to_take_back(self, error: BaseException) -> None:
        try:
            self.take_back(error)
        except (OperationError, psycopg.Error, OSError) as second:
            raise OperationError(
                f"{tell(error)}\nIt could not be taken back yet: {tell(second)}\nOnce that is "
                f"mended: `scripts/mybizz instance upgrade {self.instance.name} --resume`."
            ) from error

    def _prepare(self, change: Change, scratch: ExitStack) -> None:
        """All that can be done while the business is in use."""
        self.say("  Backing up ...")
        url = self.places.own_url(self.places.name)
        made = make_backup(self.home, self.instance, url, kind=BEFORE[change.kind])
        facts = {"backup": made.id, "max_wait_seconds": change.max_wait_seconds}
        self.journal.advance(Phase.BACKED_UP, **facts)
        self.say(f"  Trying {change.target.version} on a copy: log-in and calls ...")
        source = change.backup or made
        if change.backup is not None:
            self._enter_copy(scratch, change.backup)
        calls = self._try(change, source)
        self.journal.advance(Phase.TRIED, calls=calls, is_restored=change.backup is not None)

    def _enter_copy(self, scratch: ExitStack, backup: Backup) -> None:
        """The backup's data, under the name of the copy."""
        context = scratch_database(
            self.home, self.server, backup, self.places.copy, self.places.name
        )
        require_equal(backup, scratch.enter_context(context))

    def _try(self, change: Change, backup: Backup) -> list[str]:
        return rehearse(
            self.home,
            self.server,
            self.instance,
            backup,
            change.target,
            allow_data_loss=change.allow_data_loss or change.backup is not None,
        )

    def _make(self, change: Change) -> None:
        """Exchange the data and pin the release, while visitors wait."""
        app_text = make_app_text(self.home, self.instance, change.target)
        folder = stage(self.home, self.instance, change.target, "target")
        is_allowed = change.allow_data_loss or change.backup is not None
        undone = find_undone(find_release(self.home, self.journal.former), change.target)
        wanted = read_target(folder, allow_data_loss=is_allowed, undone=undone)
        status, _ = probe(self.instance, "/_/ready")
        self.journal.advance(Phase.HELD, app=app_text, was_served=status == 200)
        self.say("  Changing over; visitors wait ...")
        started = time.monotonic()
        self._hold()
        self.places.close()
        end = started + change.max_wait_seconds
        if change.backup is None:
            self.places.copy_to(self.places.copy, self.places.name, end - time.monotonic())
        url = self.places.own_url(self.places.copy)
        migrate_tables(url, wanted, max(1.0, end - time.monotonic()))
        forget_undone(url, undone)
        self.journal.advance(Phase.MIGRATED)
        self.places.exchange(self.journal.id)
        self.journal.advance(Phase.EXCHANGED)

    def complete(self) -> Changed:
        """Everything after the exchange; again, where it was killed there."""
        if self.journal.phase is not Phase.PROVEN:
            target = find_release(self.home, self.journal.target)
            switch_release(self.instance, target, str(self.journal.facts["app"]))
            self.journal.advance(Phase.SWITCHED)
            self._release()
            served_at = self._require_ready()
            self.journal.advance(Phase.PROVEN, served_at=served_at.isoformat())
        kept = self._keep_former()
        self.places.drop_scratch()
        unstage(self.home, self.instance)
        facts = self.journal.facts
        changed = Changed(
            str(facts["kind"]),
            self.journal.former,
            self.journal.target,
            kept,
            self._measure_stop(),
            tuple(facts.get("calls", ())),
        )
        self._note(changed.kind, backup=kept, stopped_seconds=round(changed.stopped_seconds, 2))
        self.journal.end(Phase.DONE, backup=kept)
        return changed

    def take_back(self, error: BaseException) -> None:
        """The former release and its data, as if nothing had been."""
        self.say("  Taking it back ...")
        if self.journal.phase is not Phase.RETURNING:
            is_fault = isinstance(error, Exception)
            self.journal.advance(Phase.RETURNING, error=tell(error), is_fault=is_fault)
        if self.places.is_exchanged(self.journal.id):
            self._hold()
            self.places.close()
            self.places.exchange_back()
        former = find_release(self.home, self.journal.former)
        if pinned_release(self.home, self.instance).version != former.version or (
            app_file(self.instance).read_text() != self.journal.facts["former_app"]
        ):
            switch_release(self.instance, former, str(self.journal.facts["former_app"]))
        self.places.open()
        self._release()
        self.places.drop_scratch()
        unstage(self.home, self.instance)
        reason, is_fault = self.journal.facts["error"], self.journal.facts["is_fault"]
        kind = self.journal.facts["kind"]
        self._note(f"{kind} {'failed' if is_fault else 'interrupted'}", error=reason)
        self.journal.end(Phase.FAILED)

    def _note(self, action: str, **facts: Any) -> None:
        """Into the instance's history, once."""
        known = {"change": self.journal.id, "from": self.journal.former, "to": self.journal.target}
        history = self.instance.read_history()
        if not any(each.get("change") == self.journal.id for each in history):
            self.instance.log(action, **known, **facts)

    def _hold(self) -> None:
        """Have visitors wait. One that was stopped stays so."""
        if find_pause(self.instance) is None:
            write_pause(self.instance, Mode.CHANGING, f"{self.journal.facts['kind']}")
        wait_until_released(self.instance)

    def _release(self) -> None:
        pause = find_pause(self.instance)
        if pause is not None and pause.mode is Mode.CHANGING:
            end_pause(self.instance)

    def _require_ready(self) -> datetime:
        """Whoever served it before serves it again; since when."""
        if not self.journal.facts.get("was_served"):
            return datetime.now(UTC)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            status, facts = probe(self.instance, "/_/ready")
            if status == 200:
                break
            if status == 0 and is_port_free(int(self.instance.read_config()["port"])):
                # Its server was stopped, or has not come back yet: nobody can say.
                return datetime.now(UTC)
            if time.monotonic() > deadline:
                reasons = "; ".join(facts.get("reasons") or []) or facts.get("message") or status
                raise OperationError(f"It is not ready within {READY_SECONDS:.0f} s: {reasons}")
            time.sleep(CHECK_SECONDS)
        served_at = datetime.now(UTC)
        status, _ = probe(self.instance, "/app", seconds=READY_SECONDS)
        if status >= 500 or status == 0:
            raise OperationError(f"Its page /app answers with {status or 'nothing'}.")
        return served_at

    def _keep_former(self) -> str:
        """The backup that holds the data as they were when the two changed places. Where somebody
        wrote after the one from before, another is made."""
        known = str(self.journal.facts["backup"])
        if not self.places.is_exchanged(self.journal.id):
            return known
        base = self.instance.backups / known
        url = self.places.server.url(self.places.former)
        with psycopg.connect(url) as connection:
            found = read_fingerprints(connection)
        if base.exists() and not find_differences(read_backup(base).fingerprints, found):
            self.places.drop_former()
            return known
        former = find_release(self.home, self.journal.former)
        text = str(self.journal.facts["former_app"])
        folder = stage(self.home, self.instance, former, "former", text)
        kind = BEFORE[str(self.journal.facts["kind"])]
        made = make_backup(self.home, folder, url, kind=kind, target=self.instance.backups)
        self.journal.advance(Phase.PROVEN, backup=made.id)
        self.places.drop_former()
        return made.id

    def _measure_stop(self) -> float:
        held, served_at = self.journal.first_time_of(Phase.HELD), self.journal.facts["served_at"]
        return (datetime.fromisoformat(served_at) - held).total_seconds() if held else 0.0


def begin(
    home: Home,
    server: DatabaseServer,
    instance: InstanceFolder,
    change: Change,
    say: Say,
) -> Changing:
    """Note the change before anything of it is done."""
    journal = Journal.begin(
        instance,
        **{"kind": change.kind, "from": pinned_release(home, instance).version},
        to=change.target.version,
        former_app=app_file(instance).read_text(),
    )
    return Changing(home, server, instance, journal, say)


def tell(error: BaseException) -> str:
    """What went wrong, for a journal and for people."""
    text = str(error).strip()
    return text or ("interrupted" if isinstance(error, KeyboardInterrupt) else repr(error))
