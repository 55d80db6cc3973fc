"""Any moment can be restored, of one instance alone: what was committed by then is there, and
nothing that came later; and what is due is done by itself."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
import pytest

from app_server.postgres import wal_spool
from scripts.operations.backup_keys import key_file
from scripts.operations.backup_schedule import is_due
from scripts.operations.backups import list_backups, make_backup
from scripts.operations.fingerprints import read_fingerprints
from scripts.operations.home import Home, OperationError
from scripts.operations.management import provision_management
from scripts.operations.moments import back_up_moment, read_moment
from scripts.operations.postgres import database_server
from scripts.operations.reaching import alone_with
from scripts.operations.releases import remove_folder
from scripts.operations.restoring import restore_instance
from scripts.operations.wal import archive as wal_archive
from scripts.operations.wal.archive import read_segment, ship
from scripts.operations.wal.bases import find_missing, list_bases, make_base, prune_archive
from scripts.operations.wal.drills import drill_moment
from scripts.operations.wal.recovery import SOCKETS_FILE, recovered_server, sweep
from scripts.operations.wal.status import read_status
from tests.scripts.archived import Installation, archived_installation
from tests.scripts.calling import ask, call, command_of
from tests.scripts.conftest import make_checkout
from tests.scripts.dying import STEPS_FILE
from tests.scripts.running import ROOT

WRITERS = 3


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with archived_installation(make_checkout(tmp_path_factory.mktemp("source"))) as made:
        yield made


@dataclass
class Sale:
    """A row, and the moments between which it was committed."""

    writer: int
    number: int
    before: datetime
    after: datetime


class Writers:
    """Sell without pause, one transaction a sale, until they are told to end."""

    def __init__(self, there: Installation):
        self._there = there
        self._is_over = threading.Event()
        self.has_sold = threading.Event()
        self.sales: list[Sale] = []
        numbers = range(WRITERS)
        self._threads = [threading.Thread(target=self._sell, args=(each,)) for each in numbers]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        self.wait_for(10)
        return self

    def __exit__(self, *_reason: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Until so many more are sold."""
        wanted = len(self.sales) + more
        while len(self.sales) < wanted:
            self.has_sold.wait(10)
            self.has_sold.clear()

    def _sell(self, writer: int) -> None:
        url = self._there.url(self._there.instances[0])
        now = "SELECT clock_timestamp()"
        with psycopg.connect(url, autocommit=True) as own:
            start: Any = own.execute(
                "SELECT coalesce(max(number), 0) FROM app.sales WHERE writer = %s", (writer,)
            ).fetchone()
            number = int(start[0])
            while not self._is_over.is_set():
                number += 1
                before: Any = own.execute(now).fetchone()
                own.execute(
                    "INSERT INTO app.sales (writer, number) VALUES (%s, %s)", (writer, number)
                )
                after: Any = own.execute(now).fetchone()
                self.sales.append(Sale(writer, number, before[0], after[0]))
                self.has_sold.set()


def sold(url: str) -> set[tuple[int, int]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT writer, number FROM app.sales").fetchall()
    return {(int(row[0]), int(row[1])) for row in rows}


def test_brings_one_instance_to_a_moment_while_it_is_written_to(there: Installation):
    sea, other = there.instances
    there.run(other, "INSERT INTO app.contacts VALUES (900, 'Kept')")
    with Writers(there) as writers:
        # Also a base that is made in the middle of it all can be begun from.
        make_base(there.home, there.server, there.archive)
        writers.wait_for(20)
        moment = there.now()
        writers.wait_for(20)
    ship(there.home, there.server)
    last = sold(there.url(sea))
    with psycopg.connect(there.url(other)) as connection:
        others_before = read_fingerprints(connection)

    taken = back_up_moment(there.home, there.server, sea, moment)
    restored = restore_instance(there.home, there.server, taken)

    found = sold(there.url(sea))
    committed = {(each.writer, each.number) for each in writers.sales if each.after < moment}
    later = {(each.writer, each.number) for each in writers.sales if each.before > moment}
    assert len(committed) >= 20 and len(later) >= 20
    assert committed - found == set(), "what was committed before the moment is lost"
    assert found & later == set(), "what was committed after the moment is there"
    with psycopg.connect(there.url(other)) as connection:
        assert read_fingerprints(connection) == others_before
    # What was there before is kept, and can be had again.
    assert restored.former is not None
    restore_instance(there.home, there.server, restored.former, is_former_kept=False)
    assert sold(there.url(sea)) == last


def test_the_command_restores_a_moment_that_has_just_passed(there: Installation):
    sea = there.instances[0]
    there.run(sea, "INSERT INTO app.contacts VALUES (901, 'Before')")
    moment = there.now()
    there.run(sea, "DELETE FROM app.contacts")

    answer = ask(
        *("instance", "restore", sea.name, "--at", moment.isoformat(), "--yes"),
        data_dir=there.home.data,
    )

    assert answer["kind"] == "moment" and answer["former"]
    assert there.run(sea, "SELECT count(*) FROM app.contacts WHERE name = 'Before'") == (1,)
    assert there.run(sea, "SELECT count(*) > 500 FROM app.contacts") == (True,)
    assert not list(there.home.postgres.glob("recovering-*"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yesterday", "got 'yesterday'"),
        ("2026-11-21", "got '2026-11-21'"),
        ("2126-01-01 10:00", "still to come"),
    ],
)
def test_refuses_what_is_no_moment(text: str, told: str):
    with pytest.raises(OperationError, match=told):
        read_moment(text)


def test_reads_moments_as_utc_unless_they_say_otherwise():
    assert read_moment("2026-03-01 13:05") == datetime(2026, 3, 1, 13, 5, tzinfo=UTC)
    assert read_moment("2026-03-01T13:05:30+02:00") == datetime(2026, 3, 1, 11, 5, 30, tzinfo=UTC)
    assert read_moment("latest") is None


def test_a_lost_server_comes_back_from_the_archive(there: Installation, tmp_path: Path):
    """Another machine, where there is nothing but the key, the releases, a backup, the archive."""
    sea = there.instances[0]
    backup = make_backup(there.home, sea, there.url(sea), target=tmp_path)
    there.run(sea, "INSERT INTO app.contacts VALUES (910, 'After the backup')")
    ship(there.home, there.server)
    with TemporaryDirectory(prefix="mybizz-other-") as folder:
        other = Home.at(Path(folder))
        other.make()
        shutil.copy(key_file(there.home), key_file(other))
        shutil.copytree(there.home.releases, other.releases, dirs_exist_ok=True)
        try:
            with database_server(other, None) as server:
                restored = restore_instance(other, server, backup).instance
                call(
                    *("instance", "restore", sea.name, "--at", "latest", "--yes"),
                    *("--archive", there.archive.folder),
                    data_dir=other.data,
                )
                row = there.run(restored, "SELECT name FROM app.contacts WHERE id = 910")
        finally:
            remove_folder(other.releases)
    assert row == ("After the backup",)


def test_the_weekly_drill_proves_both(there: Installation, tmp_path: Path):
    other = there.instances[1]
    make_backup(there.home, other, there.url(other), target=tmp_path)

    words = ("instance", "drill", other.name, "--point-in-time", "--from", tmp_path)
    found = ask(*words, data_dir=there.home.data)["instances"]

    assert [each["kind"] for each in found] == ["dump", "point-in-time"]
    assert all(each["is_proven"] and each["missed"] == [] for each in found)


def test_says_which_moments_can_be_had(there: Installation):
    sea = there.instances[0]
    early = list_bases(there.archive)[0].at - timedelta(minutes=1)
    with pytest.raises(OperationError, match="The archive begins at"):
        back_up_moment(there.home, there.server, sea, early)
    with pytest.raises(OperationError, match="The archive ends at"):
        back_up_moment(there.home, there.server, sea, there.now() + timedelta(minutes=1))


def test_nothing_in_the_archive_can_be_read_without_the_key(there: Installation):
    secret = "Gwendolyn Featherstonehaugh"
    there.run(there.instances[0], f"INSERT INTO app.contacts VALUES (903, '{secret}')")
    ship(there.home, there.server)

    newest = max(n for n in there.archive.segments() if len(n) == 24)
    unpacked = subprocess.run(
        ["gzip", "-dc"],
        input=b"".join(read_segment(there.home, there.archive, newest)),
        capture_output=True,
        check=True,
    ).stdout
    assert secret.encode() in unpacked
    for path in [*there.archive.wal.iterdir(), *there.archive.bases.glob("*/*.sealed")]:
        assert path.read_bytes().startswith(b"MYBIZZ SEALED")
        assert path.stat().st_mode & 0o077 == 0


def test_a_changed_or_missing_segment_is_told(there: Installation, tmp_path: Path):
    sea = there.instances[0]
    base = list_bases(there.archive)[-1]
    ship(there.home, there.server)
    moment = there.archive.until
    names = [n for n in there.archive.segments() if len(n) == 24 and n > base.start_segment]
    victim = there.archive.path_of(names[0])
    shutil.copy(victim, tmp_path / "kept")
    try:
        broken = bytearray(victim.read_bytes())
        broken[-20] ^= 1
        victim.write_bytes(broken)
        with pytest.raises(OperationError, match="was changed or cut short"):
            back_up_moment(there.home, there.server, sea, moment)
        victim.unlink()
        assert find_missing(there.archive, base) == [names[0]]
        assert "missing" in read_status(there.home).problem
        with pytest.raises(OperationError, match="has a gap"):
            back_up_moment(there.home, there.server, sea, moment)
    finally:
        shutil.copy(tmp_path / "kept", victim)


def test_a_drill_proves_a_moment_while_it_is_written_to(there: Installation):
    with Writers(there):
        done = drill_moment(there.home, there.server, there.instances)

    assert [each.problems for each in done] == [(), ()]
    assert all(each.rows >= 500 and each.rpo_seconds < 3600 for each in done)
    assert done[1].tables > done[0].tables > 0, "the table that was written to is not compared"
    assert there.instances[0].read_history()[-1]["kind"] == "point-in-time"


def test_a_drill_tells_what_is_lost(there: Installation, monkeypatch: pytest.MonkeyPatch):
    """The negative control: where the archive ends too early, it must not be proven."""
    ship(there.home, there.server)
    early = there.archive.until
    there.run(there.instances[1], "DELETE FROM app.contacts WHERE id = 1")

    @wal_archive.contextmanager
    def stale(home: Any, archive: Any, _moment: Any, advance: Any) -> Iterator[Any]:
        with recovered_server(home, archive, early, advance) as recovered:
            yield recovered

    monkeypatch.setattr("scripts.operations.wal.drills.recovered_server", stale)
    done = drill_moment(there.home, there.server, there.instances)

    assert "transactions that were committed before" in done[0].problems[0]
    assert any("app.contacts has" in problem for problem in done[1].problems)


def test_keeps_what_the_last_thirty_days_need(there: Installation):
    make_base(there.home, there.server, there.archive)
    bases = list_bases(there.archive)
    assert len(bases) >= 2
    month = timedelta(days=30)

    # Between the last two: the older one is still needed for the moments after it.
    gone = prune_archive(there.home, there.archive, 30, bases[-1].at + month - timedelta(0, 0, 9))
    assert bases[-2] not in gone and bases[-2] in list_bases(there.archive)
    gone = prune_archive(there.home, there.archive, 30, bases[-1].at + month)
    assert gone == [bases[-2]]
    assert find_missing(there.archive, bases[-1]) == []
    wal = [name for name in there.archive.segments() if len(name) == 24]
    assert min(wal) == bases[-1].start_segment


def test_the_timer_does_what_is_due_and_nothing_twice(there: Installation, tmp_path: Path):
    words = ("instance", "backup", "--all", "--if-due", "--to", tmp_path)

    first = ask(*words, data_dir=there.home.data)
    second = ask(*words, data_dir=there.home.data)

    assert {each["kind"] for each in first["instances"]} == {"scheduled"}
    assert len(first["instances"]) >= 2 and second["instances"] == []
    assert second["archive"]["restorable_until"] > first["archive"]["restorable_until"]
    status = ask("archive", "status", data_dir=there.home.data)
    assert status["is_on"] and status["problem"] == "" and status["spool_files"] == 0
    later = ("instance", "backup", "--all", "--if-due", "--every", "1", "--to", tmp_path / "b")
    with alone_with(there.home, there.instances[0].name):
        skipped = ask(*later, data_dir=there.home.data)["instances"]
    assert [("skipped" in each) for each in skipped if each["instance"] == "willow-spa"] == [True]
    assert [each["rows"] > 0 for each in skipped if each["instance"] == "cape-yoga"] == [True]
    with wal_archive.alone_at(there.home, "schedule"):
        busy = call(*words, data_dir=there.home.data)
    assert "Another run is at it" in busy.stdout


def test_an_idle_server_takes_hardly_any_room(there: Installation):
    ship(there.home, there.server)
    shipped = ship(there.home, there.server)
    assert shipped.segments == 1 and shipped.size < 40_000


def test_is_due_by_the_age_of_the_newest_backup(there: Installation, tmp_path: Path):
    sea = there.instances[0]
    newest = make_backup(there.home, sea, there.url(sea), kind="scheduled", target=tmp_path).at
    # What was taken out of the past says nothing of the present.
    make_backup(there.home, sea, there.url(sea), kind="before-restore", target=tmp_path)

    assert not is_due(sea, tmp_path, 55, newest + timedelta(minutes=54))
    assert is_due(sea, tmp_path, 55, newest + timedelta(minutes=55))
    assert is_due(sea, tmp_path / "elsewhere", 55, newest)


def test_a_full_disk_is_told_and_loses_nothing(there: Installation):
    """By a limit on the size of files: what is written beyond it fails as on a full disk."""
    sea = there.instances[0]
    there.run(
        sea, "INSERT INTO app.contacts SELECT i, md5(i::text) FROM generate_series(2000, 9000) i"
    )
    before = [each.id for each in list_backups(sea.backups)]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    for words, told in (
        (("instance", "backup", sea.name), f"{sea.name} can't be backed up to"),
        (("archive", "ship"), "It waits in"),
        (("archive", "base"), "can't be"),
    ):
        done = subprocess.run(
            command_of(*words, data_dir=there.home.data),
            cwd=ROOT,
            capture_output=True,
            text=True,
            preexec_fn=limit,
            timeout=100,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 1 and told in said and "Traceback" not in said, said

    assert [each.id for each in list_backups(sea.backups)] == before
    assert not list(sea.backups.glob(".making*")) and not list(there.archive.bases.glob(".making*"))
    ship(there.home, there.server)
    assert not list(wal_spool(there.home.postgres).glob("*.gz"))
    assert find_missing(there.archive, list_bases(there.archive)[-1]) == []


def test_shipping_killed_anywhere_loses_nothing(there: Installation, tmp_path: Path):
    words = ("archive", "ship")
    steps = count_steps(there, tmp_path, *words)
    for last in range(1, steps + 1, 4):
        die_at(there, last, *words)
    there.run(there.instances[0], "INSERT INTO app.contacts VALUES (904, 'After the kills')")

    ship(there.home, there.server)

    assert find_missing(there.archive, list_bases(there.archive)[-1]) == []
    assert not list(wal_spool(there.home.postgres).glob("*.gz"))
    # Without a moment: as far as the archive goes.
    with (
        recovered_server(there.home, there.archive, None) as recovered,
        psycopg.connect(recovered.server.url(there.instances[0].database_name)) as connection,
    ):
        row = connection.execute("SELECT count(*) FROM app.contacts WHERE id = 904").fetchone()
    assert row == (1,)


DIES_INSIDE = """
import os, signal, sys
from pathlib import Path
from scripts.operations.home import Home
from scripts.operations.wal.archive import WalArchive
from scripts.operations.wal.recovery import SOCKETS_FILE, recovered_server, sweep
with recovered_server(Home.at(Path(sys.argv[1])), WalArchive(Path(sys.argv[2])), None):
    pids = (Path(sys.argv[1]) / "postgres").glob(f"recovering-{os.getpid()}/data/postmaster.pid")
    print(next(pids).read_text().split()[0], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_recovery_leaves_no_server_and_no_copy(there: Installation):
    died = subprocess.run(
        [sys.executable, "-c", DIES_INSIDE, str(there.home.data), str(there.archive.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert died.returncode == -9, died.stderr

    pid = int(died.stdout)
    found = [process for process in psutil.process_iter() if process.pid == pid]
    _gone, alive = psutil.wait_procs(found, timeout=30)
    assert not alive, "the recovered server outlived the command"
    (left,) = there.home.postgres.glob("recovering-*")
    sockets = Path((left / SOCKETS_FILE).read_text())
    assert sockets.exists()
    sweep(there.home)
    assert not list(there.home.postgres.glob("recovering-*"))
    assert not sockets.exists()


def count_steps(there: Installation, tmp_path: Path, *words: str) -> int:
    told = tmp_path / "steps"
    die_at(there, 0, *words, env={STEPS_FILE: str(told)})
    return int(told.read_text())


def die_at(there: Installation, last: int, *words: str, env: dict[str, str] | None = None) -> None:
    command = [sys.executable, "-m", "tests.scripts.dying", str(last), *words]
    subprocess.run(
        [*command, "--data-dir", str(there.home.data)],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        timeout=100,
    )


def test_a_drill_of_all_takes_the_console_along(there: Installation):
    console = provision_management(there.home, there.server, port=4041)
    console.unfinished_marker.unlink()

    words = ("instance", "drill", "--all", "--fresh", "--point-in-time")
    found = ask(*words, data_dir=there.home.data)["instances"]

    told = {(each["instance"], each["kind"], each["is_proven"]) for each in found}
    names = {each.name for each in (*there.instances, console)}
    assert told == {(name, kind, True) for name in names for kind in ("dump", "point-in-time")}
