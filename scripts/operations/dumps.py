"""Postgres's own ``pg_dump`` and ``pg_restore``, as streams."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import psycopg

from app_server.postgres import POSTGRES_BIN_PATH
from scripts.operations.home import OperationError

READ_BYTES = 256 * 1024
SAID_CHARS = 1500


def find_tool(name: str, server_version: int) -> Path:
    """``pg_dump`` or ``pg_restore`` of the embedded Postgres, or one of the machine's where the
    server is newer than that: an older ``pg_dump`` refuses it. ``server_version`` is as libpq gives
    it, such as 180003."""
    wanted = server_version // 10000
    elsewhere = shutil.which(name)
    candidates = [POSTGRES_BIN_PATH / name, *([Path(elsewhere)] if elsewhere else [])]
    for candidate in candidates:
        if candidate.exists() and _major_version(candidate) >= wanted:
            return candidate
    raise OperationError(
        f"The Postgres server is version {wanted}; backing it up takes a {name} that is not older. "
        f"Install Postgres {wanted}'s client programs on this machine."
    )


def _major_version(program: Path) -> int:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True).stdout
    number = said.split(")")[-1].split()[0] if said.strip() else "0"
    return int(number.split(".")[0])


def dump(tool: Path, url: str, snapshot: str) -> Iterator[bytes]:
    """A dump in Postgres's custom format of what the exported ``snapshot`` sees. Raises
    ``OperationError`` with what ``pg_dump`` says."""
    command = [str(tool), "--format=custom", f"--snapshot={snapshot}", "--no-password"]
    with tempfile.TemporaryFile() as said:
        yield from stream(tool, command, url, said)


def stream(tool: Path, command: list[str], url: str, said: IO[bytes]) -> Iterator[bytes]:
    """What a program of Postgres's writes, connected to ``url``; its words go into ``said``. Raises
    ``OperationError`` with them where it fails."""
    with _start(command, url, stdout=subprocess.PIPE, stderr=said) as child:
        assert child.stdout
        try:
            while piece := child.stdout.read(READ_BYTES):
                yield piece
        except BaseException:
            # Whoever reads has given up (a full disk): so does the program.
            child.kill()
            raise
    _check(child, tool, said)


def restore(tool: Path, url: str, pieces: Iterable[bytes], options: Sequence[str] = ()) -> None:
    """Fill the empty database at ``url`` from a dump. ``options``: more of ``pg_restore``. Raises
    ``OperationError`` with what it says; an error of ``pieces`` goes on to the caller."""
    command = [str(tool), "--exit-on-error", "--no-password", *options]
    with tempfile.TemporaryFile() as said:
        with _start(command, url, stdin=subprocess.PIPE, stdout=said, stderr=said) as child:
            assert child.stdin
            try:
                for piece in pieces:
                    child.stdin.write(piece)
                child.stdin.close()
            except BrokenPipeError:
                # It gave up, and has said why.
                pass
            except BaseException:
                child.kill()
                raise
        _check(child, tool, said)


def _start(
    command: list[str],
    url: str,
    *,
    stdout: int | IO[bytes],
    stderr: IO[bytes],
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    if "--dbname" not in command:
        command = [*command, "--dbname", _without_password(url)]
    password = psycopg.conninfo.conninfo_to_dict(url).get("password")
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        # In the environment, which nobody else can read; a command line is everybody's.
        env={**os.environ, "PGPASSWORD": str(password or ""), "LC_ALL": "C.UTF-8"},
    )


def _without_password(url: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    kept = {name: str(value) for name, value in parts.items() if name != "password"}
    return psycopg.conninfo.make_conninfo(**kept)


def _check(child: subprocess.Popen[bytes], tool: Path, said: IO[bytes]) -> None:
    if child.returncode:
        said.seek(0)
        words = said.read().decode(errors="replace").strip()[-SAID_CHARS:]
        raise OperationError(f"{tool.name} failed (exit code {child.returncode}):\n{words}")
