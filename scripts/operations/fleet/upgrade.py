"""Bring many instances to a release: rehearsed, a canary first, then batch by batch.

What has become of each is kept in ``<data>/fleet/upgrade-v1.1.0.json`` before the next one is
begun. It is a record and saves work; what counts is the instances themselves. A run that was killed
is gone on with by running the same again: one that has the release is left alone, one that was
killed in the middle is settled first (``upgrading/recovering.py``), and a rehearsal that proved the
same backup is not repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import psycopg

from app_server.errors import StartupError
from scripts.operations.backups import Backup, list_backups, make_backup
from scripts.operations.databases import DatabaseServer
from scripts.operations.fleet.records import Record, State, Wish, read_records, write_records
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.pausing import probe
from scripts.operations.provision import move_to_server, pinned_release
from scripts.operations.reaching import BusyError, alone_with, reachable_database
from scripts.operations.upgrading import (
    check_upgrade,
    is_interrupted,
    recover,
    rehearse,
    upgrade_instance,
)

BUSY_SECONDS = 600.0
"""How long it waits for a command that works on an instance, such as a backup."""
LOOK_SECONDS = 1.0

Say = Callable[[str], None]


class FleetUpgrade:
    """One run. ``records`` are in the order in which the instances are upgraded."""

    def __init__(
        self,
        home: Home,
        server: DatabaseServer,
        instances: Sequence[InstanceFolder],
        wish: Wish,
        say: Say,
        *,
        is_embedded: bool = True,
    ):
        self.home = home
        self.server = server
        self.wish = wish
        self.say = say
        self.stopped = ""
        """Why nothing more was begun."""
        self._is_embedded = is_embedded
        self._instances = {each.name: each for each in instances}
        self._lock = Lock()
        self._known = read_records(self.path)
        self._served: set[str] = set()
        self.records = self._make_records()

    @property
    def path(self) -> Path:
        return self.home.data / "fleet" / f"upgrade-{self.wish.target.version}.json"

    @property
    def failed(self) -> list[Record]:
        return [each for each in self.records if each.state is State.FAILED]

    def to_json(self) -> dict[str, Any]:
        return {
            "to": self.wish.target.version,
            "stopped": self.stopped,
            "counts": {
                state.value: sum(each.state is state for each in self.records) for state in State
            },
            "instances": [each.to_json() for each in self.records],
        }

    # What is to be done

    def _make_records(self) -> list[Record]:
        records = [self._make_record(each) for each in self._instances.values()]
        waiting = [each for each in records if each.state is State.WAITING]
        canary = self._choose_canary(waiting)
        if canary is not None:
            canary.is_canary = True
        rest = [each for each in waiting if each is not canary]
        for index, record in enumerate(rest):
            record.batch = 1 + index // self.wish.batch
        others = [each for each in records if each.state is not State.WAITING]
        return [*([canary] if canary else []), *rest, *others]

    def _make_record(self, instance: InstanceFolder) -> Record:
        record = Record(instance.name, pinned_release(self.home, instance).version)
        known = self._known.get(instance.name, {})
        if is_interrupted(instance):
            return record
        if record.former == self.wish.target.version:
            record.state = State.DONE
            for name in ("former", "backup", "seconds", "stopped_seconds", "at"):
                setattr(record, name, known.get(name, getattr(record, name)))
            return record
        record.rehearsed = str(known.get("rehearsed", ""))
        try:
            check_upgrade(self.home, instance, self.wish.target, again=self.wish.again)
        except OperationError as error:
            record.state, record.error = State.LEFT_OUT, str(error)
        return record

    def _choose_canary(self, waiting: list[Record]) -> Record | None:
        """The one that is named; else the one with the smallest database, which is soon done and
        soon put right. None where some have the release already: there was one."""
        former = [each for each in self._known.values() if each["is_canary"]]
        if not waiting or any(each["state"] == State.DONE.value for each in former):
            return None
        named = self.wish.canary or (former[0]["name"] if former else "")
        for record in waiting:
            if record.name == named:
                return record
        if self.wish.canary:
            raise OperationError(
                f"The canary {self.wish.canary!r} is not among those to be upgraded."
            )
        sizes = self._read_sizes(waiting)
        return min(waiting, key=lambda each: (sizes.get(each.name, 0), each.name))

    def _read_sizes(self, records: Iterable[Record]) -> dict[str, int]:
        names = {self._instances[each.name].database_name: each.name for each in records}
        with self.server.connect() as connection:
            rows = connection.execute(
                "SELECT datname, pg_database_size(datname) FROM pg_database "
                "WHERE datname = ANY(%s)",
                (list(names),),
            )
            return {names[str(name)]: int(str(size)) for name, size in rows}

    # Doing it

    def run(self) -> None:
        """All of it. What fails is told in the records; an instance that fails is as it was."""
        self._keep()
        if self.wish.rehearses:
            self._rehearse_all()
        canary = [each for each in self._waiting() if each.is_canary]
        if canary and not self.stopped:
            self.say(f"The canary is {canary[0].name}.")
            self._upgrade_batch(canary)
            if canary[0].state is not State.DONE:
                self.stopped = f"The canary {canary[0].name} was not upgraded."
        numbers = sorted({each.batch for each in self._waiting() if not each.is_canary})
        for number in numbers:
            if self.stopped:
                break
            batch = [each for each in self._waiting() if each.batch == number]
            self.say(f"Batch {number} of {numbers[-1]}: {', '.join(each.name for each in batch)}")
            self._upgrade_batch(batch)
            if all(each.state is State.FAILED for each in batch) and len(batch) > 1:
                self.stopped = self.stopped or f"All of batch {number} failed."
        self._keep()

    def _waiting(self) -> list[Record]:
        return [each for each in self.records if each.state in (State.WAITING, State.REHEARSED)]

    def _rehearse_all(self) -> None:
        """Before anything is touched. One whose rehearsal fails is not upgraded."""
        todo = self._waiting()
        for index, record in enumerate(todo):
            self.say(f"Rehearsal {index + 1} of {len(todo)}: {record.name}")
            self._rehearse(record)
            self._keep()
            if record.state is State.FAILED and (self.wish.stops or record.is_canary):
                self.stopped = f"The rehearsal of {record.name} failed; nothing was upgraded."
                return

    def _rehearse(self, record: Record) -> None:
        instance = self._instances[record.name]
        try:
            with self._alone_with(record.name):
                self._follow_server(instance)
                recover(self.home, self.server, instance, self.say)
                if pinned_release(self.home, instance).version == self.wish.target.version:
                    self._note(record, State.DONE)
                    return
                backup = self._newest_backup(instance)
                if backup.id != record.rehearsed:
                    rehearse(
                        self.home,
                        self.server,
                        instance,
                        backup,
                        self.wish.target,
                        allow_data_loss=self.wish.allow_data_loss,
                    )
        except (OperationError, StartupError, psycopg.Error, OSError) as error:
            self._note(record, State.FAILED, error=f"Rehearsal: {str(error).strip()}")
        else:
            self._note(record, State.REHEARSED, rehearsed=backup.id)

    def _newest_backup(self, instance: InstanceFolder) -> Backup:
        found = list_backups(instance.backups)
        if found:
            return max(found, key=lambda each: each.at)
        self.say(f"  {instance.name} has no backup: making one ...")
        with reachable_database(
            self.home, instance, None if self._is_embedded else self.server.admin_url
        ) as url:
            return make_backup(self.home, instance, url)

    def _upgrade_batch(self, batch: list[Record]) -> None:
        self._remember_served(batch)
        if self.wish.at_once == 1 or len(batch) == 1:
            for record in batch:
                if not self.stopped:
                    self._upgrade(record)
        else:
            self._upgrade_side_by_side(batch)
        self._look_after(batch)

    def _upgrade_side_by_side(self, batch: list[Record]) -> None:
        """Interrupted, it begins no other, and lets those end that are at work."""
        with ThreadPoolExecutor(self.wish.at_once) as pool:
            futures: list[Future[None]] = [pool.submit(self._upgrade, each) for each in batch]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self.stopped = self.stopped or "Interrupted."
                self.say("What is at work comes to its end first ...")
                raise

    def _upgrade(self, record: Record) -> None:
        if self.stopped:
            return
        instance = self._instances[record.name]
        started = time.monotonic()
        try:
            with self._alone_with(record.name):
                self._follow_server(instance)
                done = upgrade_instance(
                    self.home,
                    self.server,
                    instance,
                    self.wish.target,
                    allow_data_loss=self.wish.allow_data_loss,
                    again=self.wish.again,
                    say=lambda text: self.say(f"  {record.name}: {text.strip()}"),
                )
        except (OperationError, StartupError, psycopg.Error, OSError) as error:
            self._note(record, State.FAILED, error=str(error).strip())
            self.say(f"  {record.name} failed and is as it was: {str(error).splitlines()[0]}")
            if self.wish.stops:
                self.stopped = self.stopped or f"{record.name} was not upgraded."
        else:
            self._note(
                record,
                State.DONE,
                backup=done.backup,
                seconds=round(time.monotonic() - started, 1),
                stopped_seconds=round(done.stopped_seconds, 2),
            )

    def _remember_served(self, batch: list[Record]) -> None:
        for record in batch:
            status, _ = probe(self._instances[record.name], "/_/ready")
            if status == 200:
                self._served.add(record.name)

    def _look_after(self, batch: list[Record]) -> None:
        """Whether those that were served are so when the whole batch is done."""
        for record in batch:
            if record.state is not State.DONE or record.name not in self._served:
                continue
            status, facts = probe(self._instances[record.name], "/_/ready")
            if status != 200:
                reasons = " ".join(facts.get("reasons") or [])
                told = reasons.rstrip(".") or f"status {status}"
                self._note(
                    record, State.DONE, error=f"Upgraded, and no longer ready since: {told}."
                )
                self.stopped = self.stopped or f"{record.name} is not ready any more: {told}."

    @contextmanager
    def _alone_with(self, name: str) -> Iterator[None]:
        """A backup that is being made of it is no failure of the release: it is waited for."""
        with ExitStack() as held:
            deadline = time.monotonic() + BUSY_SECONDS
            while True:
                try:
                    held.enter_context(alone_with(self.home, name))
                    break
                except BusyError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(LOOK_SECONDS)
            yield

    def _follow_server(self, instance: InstanceFolder) -> None:
        if self._is_embedded:
            move_to_server(instance, self.server)

    # The record

    def _note(self, record: Record, state: State, **facts: Any) -> None:
        with self._lock:
            record.state = state
            record.error = ""
            for name, value in facts.items():
                setattr(record, name, value)
            record.at = datetime.now(UTC).isoformat(timespec="seconds")
            self._write()

    def _keep(self) -> None:
        with self._lock:
            self._write()

    def _write(self) -> None:
        write_records(self.path, self.to_json())
