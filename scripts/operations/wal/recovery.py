"""Recover the whole embedded Postgres to a moment, beside the one that runs, out of the archive.

The recovered server listens on a Unix socket in a folder that only its owner may enter; it archives
nothing, and goes when the block ends. Segments are unsealed one by one, as it asks for them: a
script leaves a name in ``ask/``, and :class:`_Feeder` puts the segment into ``give/``.
"""

from __future__ import annotations

import ctypes
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg

from app_server.postgres import POSTGRES_BIN_PATH, SETTINGS, SUPERUSER, Account, read_account
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.wal.archive import WalArchive, archive_root, read_segment
from scripts.operations.wal.bases import Base, find_missing, list_bases, read_base_file

POLL_SECONDS = 0.02
SOCKETS_FILE = "sockets"
# A socket's name may have 107 characters on Linux (unix(7)), 103 elsewhere.
MAX_SOCKETS_CHARS = 103 - len("/.s.PGSQL.5432.lock")
"""Says where its socket is: in the temporary folder, since such a path has to be short."""
SAID_CHARS = 1500
STOP_SECONDS = 10
# prctl(2)
PR_SET_PDEATHSIG = 1
ASK = """\
#!/bin/sh
# restore_command: $1 is the segment, $2 where Postgres wants it. Above 125: recovery gives up.
cd "$(dirname "$0")" || exit 200
: >"ask/$1"
while :; do
    [ -e "give/$1" ] && exec cp "give/$1" "$OLDPWD/$2"
    [ -e "none/$1" ] && exit 1
    [ -e over ] && exit 200
    sleep 0.02
done
"""


@dataclass(frozen=True)
class Recovered:
    """A server that is as it was. ``reached``: when the last transaction in it was committed; none
    where there was none after the base."""

    server: DatabaseServer
    reached: datetime | None


def find_archive(home: Home, server: DatabaseServer | None, root: Path | None) -> WalArchive:
    """The archive of this server where there is one, else the only one that is there: of a server
    that was lost. ``root`` may also be one archive's own folder. Raises ``OperationError``."""
    base = root or archive_root(home)
    if (base / "wal").is_dir():
        return WalArchive(base)
    found = [WalArchive(path) for path in sorted(base.glob("[0-9]*")) if (path / "wal").is_dir()]
    if server is not None:
        with server.connect() as connection:
            row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
        own = [each for each in found if row and each.cluster == str(row[0])]
        if own and list_bases(own[0]):
            return own[0]
    useful = [each for each in found if list_bases(each)]
    if len(useful) == 1:
        return useful[0]
    if useful:
        listed = ", ".join(str(each.folder) for each in useful)
        raise OperationError(f"There are several archives; name one by --archive: {listed}.")
    raise OperationError(
        f"No moment can be restored: there is no base backup in {base}. `scripts/mybizz archive on`"
        " begins with one; until then `instance restore` takes a backup."
    )


def choose_base(archive: WalArchive, moment: datetime | None) -> Base:
    """The newest base from which the moment can be reached (None: the end of the archive). Raises
    ``OperationError`` with the moments that can be."""
    bases = list_bases(archive)
    fit = [base for base in bases if moment is None or base.at <= moment]
    if not fit:
        raise OperationError(
            f"The archive begins at {_tell(bases[0].at)}; {_tell(moment)} is before that. A "
            "backup of that time may do: `instance backups` lists them."
        )
    until = archive.until
    if moment is not None and (until is None or moment > until):
        raise OperationError(
            f"The archive ends at {_tell(until)}; {_tell(moment)} is after that. Give that moment "
            "or an earlier one, or --at latest."
        )
    missing = find_missing(archive, fit[-1])
    if missing:
        raise OperationError(
            f"The archive has a gap after {_tell(fit[-1].at)}: {missing[0]} is missing. Make a new "
            "base backup (`scripts/mybizz archive base`); moments before the gap need a backup."
        )
    return fit[-1]


def _tell(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "nothing"


@contextmanager
def recovered_server(
    home: Home,
    archive: WalArchive,
    moment: datetime | None,
    advance: Callable[[int], None] = lambda _count: None,
) -> Iterator[Recovered]:
    """The whole server as it was at the moment: with all that was committed until then and nothing
    that was later. None: as far as the archive goes. Raises ``OperationError``."""
    base = choose_base(archive, moment)
    account = read_account()
    home.postgres.mkdir(parents=True, exist_ok=True)
    sweep(home)
    folder = home.postgres / f"recovering-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    sockets = _make_sockets(folder)
    try:
        (folder / SOCKETS_FILE).write_text(str(sockets))
        _unpack(home, archive, base, folder, advance)
        _configure(folder, sockets, moment)
        _give_to(account, folder, sockets)
        feeder = _Feeder(home, archive, folder, advance)
        with feeder, _running(folder, account) as child:
            url = psycopg.conninfo.make_conninfo(
                host=str(sockets), port=5432, user=SUPERUSER, dbname="postgres"
            )
            _wait(child, folder, sockets, feeder)
            server = DatabaseServer(url, str(sockets), 5432)
            yield Recovered(server, _read_reached(server))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


def _make_sockets(folder: Path) -> Path:
    """Where the server listens: beside its data, unless the system takes no name as long as that.
    The temporary folder that our environment names may be closed to the server's account."""
    beside = folder / "s"
    if len(str(beside)) <= MAX_SOCKETS_CHARS:
        beside.mkdir(mode=0o700)
        return beside
    public = "/tmp" if os.access("/tmp", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="mybizz-", dir=public))


def sweep(home: Home) -> None:
    """Take away what killed recoveries left; their servers end with them."""
    for left in home.postgres.glob("recovering-*"):
        pid = int(left.name.rsplit("-", 1)[1])
        if pid == os.getpid() or not psutil.pid_exists(pid):
            sockets = left / SOCKETS_FILE
            if sockets.exists():
                shutil.rmtree(sockets.read_text(), ignore_errors=True)
            shutil.rmtree(left, ignore_errors=True)


class _Pieces:
    """An iterator of bytes as a file that can be read."""

    def __init__(self, pieces: Iterator[bytes], advance: Callable[[int], None]):
        self._pieces = pieces
        self._advance = advance
        self._waiting = bytearray()

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._waiting) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._waiting += piece
            self._advance(len(piece))
        wanted = len(self._waiting) if size < 0 else size
        taken = bytes(self._waiting[:wanted])
        del self._waiting[:wanted]
        return taken


def _unpack(
    home: Home, archive: WalArchive, base: Base, folder: Path, advance: Callable[[int], None]
) -> None:
    data = folder / "data"
    data.mkdir(mode=0o700, parents=True)
    pieces: Any = _Pieces(read_base_file(home, archive, base), advance)
    try:
        with (
            gzip.GzipFile(fileobj=pieces) as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            tar.extractall(data, filter="data")
    except OSError as error:
        raise OperationError(
            f"The base backup {base.id} can't be unpacked in {folder}: {error.strerror or error}."
        ) from error


def _configure(folder: Path, sockets: Path, moment: datetime | None) -> None:
    data = folder / "data"
    for name in ("ask", "give", "none"):
        (folder / name).mkdir(mode=0o700)
    script = folder / "ask.sh"
    script.write_text(ASK)
    script.chmod(0o700)
    quoted = str(script).replace("%", "%%")
    settings = {
        **SETTINGS,
        "listen_addresses": "''",
        "unix_socket_directories": f"'{sockets}'",
        "port": "5432",
        "archive_mode": "'off'",
        "restore_command": f'\'"{quoted}" "%f" "%p"\'',
        # It goes in a minute: what would make it survive a power cut only takes time.
        "fsync": "off",
        "full_page_writes": "off",
        "hot_standby": "off",
        "recovery_target_timeline": "'current'",
        "shared_buffers": "'128MB'",
        "shared_preload_libraries": "''",
    }
    if moment is not None:
        settings |= {
            "recovery_target_time": f"'{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'",
            "recovery_target_action": "'promote'",
        }
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    (data / "mybizz.conf").write_text("".join(lines))
    (data / "pg_hba.conf").write_text("local all all trust\n")
    (data / "recovery.signal").touch(mode=0o600)
    for name in ("pg_wal", "pg_wal/archive_status"):
        (data / name).mkdir(mode=0o700, exist_ok=True)
    (folder / "server.log").touch(mode=0o600)


def _give_to(account: Account | None, *folders: Path) -> None:
    for folder in folders:
        folder.chmod(0o700)
        if account is None:
            continue
        os.chown(folder, account.uid, account.gid)
        for place, names, files in os.walk(folder):
            for name in (*names, *files):
                os.lchown(os.path.join(place, name), account.uid, account.gid)


@contextmanager
def _running(folder: Path, account: Account | None) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(folder / "data")]
    with (folder / "server.log").open("ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        yield child
    finally:
        # Nothing in it is worth a tidy end.
        child.send_signal(signal.SIGQUIT)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _end_with_parent() -> None:
    """In the child: end when we are killed without a chance to see to it (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _wait(child: subprocess.Popen[bytes], folder: Path, sockets: Path, feeder: _Feeder) -> None:
    """Return once it can be used. However long it takes: it works through what there is."""
    asking = [str(POSTGRES_BIN_PATH / "pg_isready"), "-q", "-h", str(sockets), "-p", "5432"]
    while subprocess.run(asking).returncode:
        if feeder.failure is not None:
            raise feeder.failure
        if child.poll() is not None:
            said = (folder / "server.log").read_text(errors="replace")[-SAID_CHARS:]
            raise OperationError(f"Postgres could not be recovered from the archive:\n{said}")
        feeder.is_over.wait(0.1)


def _read_reached(server: DatabaseServer) -> datetime | None:
    with server.connect() as connection:
        row = connection.execute("SELECT pg_last_xact_replay_timestamp()").fetchone()
    reached: Any = row[0] if row else None
    return reached.astimezone(UTC) if reached else None


class _Feeder:
    """Gives the recovering server the segments that it asks for, in a thread. ``failure`` is why it
    could not; then the server gives up."""

    def __init__(
        self, home: Home, archive: WalArchive, folder: Path, advance: Callable[[int], None]
    ):
        self._home = home
        self._archive = archive
        self._folder = folder
        self._advance = advance
        self._thread = threading.Thread(target=self._feed, name="wal-feeder")
        self.is_over = threading.Event()
        self.failure: OperationError | None = None

    def __enter__(self) -> _Feeder:
        self._thread.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self.is_over.set()
        self._thread.join()
        # Whoever still asks is told that nobody answers any more.
        (self._folder / "over").touch()

    def _feed(self) -> None:
        while not self.is_over.is_set():
            asked = sorted(path.name for path in (self._folder / "ask").iterdir())
            for name in asked:
                try:
                    self._answer(name)
                except OperationError as error:
                    self.failure = error
                except OSError as error:
                    self.failure = OperationError(
                        f"The segment {name} can't be read for the recovery: {error.strerror}."
                    )
                if self.failure is not None:
                    (self._folder / "over").touch()
                    return
            self.is_over.wait(POLL_SECONDS)

    def _answer(self, name: str) -> None:
        (self._folder / "ask" / name).unlink()
        given = self._folder / "give" / name
        for other in given.parent.iterdir():
            # It asks again for the one it stopped in, and for no older.
            if other.name < name and not other.name.endswith(".history"):
                self._forget(other, name)
        if given.exists():
            return
        if not self._archive.path_of(name).exists():
            (self._folder / "none" / name).touch()
            return
        draft = given.with_name(f".{name}")
        with draft.open("wb") as file:
            os.chmod(draft, 0o644)
            self._unpack(name, file)
        draft.rename(given)

    @staticmethod
    def _forget(old: Path, name: str) -> None:
        kept = 2
        if (
            len(name) == 24
            and len(old.name) == 24
            and int(name[8:], 16) - int(old.name[8:], 16) > kept
        ):
            old.unlink()

    def _unpack(self, name: str, file: IO[bytes]) -> None:
        packed: Any = _Pieces(read_segment(self._home, self._archive, name), self._advance)
        with gzip.GzipFile(fileobj=packed) as unpacked:
            shutil.copyfileobj(unpacked, file, 1024 * 1024)
