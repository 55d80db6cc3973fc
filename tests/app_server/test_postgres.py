"""The embedded Postgres: starts anywhere, lets in nobody without a password, is shared safely."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app_server import postgres
from app_server.errors import StartupError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mybizz-pg-") as name:
        yield Path(name) / "postgres"


def ask(url: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT current_user").fetchone()
    assert row
    return str(row[0])


def is_up(server: postgres.EmbeddedPostgres) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((server.host, server.port)) == 0


def test_starts_keeps_data_and_port_and_stops(folder: Path):
    server = postgres.start(folder)
    try:
        assert ask(server.admin_url) == "postgres"
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (x int)")
    finally:
        server.stop()
    assert not is_up(server)

    again = postgres.start(folder)
    try:
        assert again.port == server.port
        with psycopg.connect(again.admin_url) as connection:
            connection.execute("SELECT x FROM kept")
    finally:
        again.stop()


def test_lets_in_nobody_without_the_password(folder: Path):
    server = postgres.start(folder)
    try:
        for wrong in ("", "wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                ask(f"postgresql://postgres:{wrong}@{server.host}:{server.port}/postgres")
        assert (folder / "superuser.password").stat().st_mode & 0o077 == 0
        assert (folder / "data").stat().st_mode & 0o077 == 0
    finally:
        server.stop()


def test_is_shared_by_processes_and_ends_with_the_last(folder: Path):
    server = postgres.start(folder)
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib; from app_server import postgres\n"
            "s = postgres.start(pathlib.Path(sys.argv[1])); print(s.port, flush=True)\n"
            "sys.stdin.readline(); s.stop()",
            str(folder),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout and other.stdin
    assert int(other.stdout.readline()) == server.port
    server.stop()
    assert is_up(server)
    other.stdin.write("\n")
    other.stdin.close()
    assert other.wait(20) == 0
    other.stdout.close()
    assert not is_up(server)


def test_a_holder_that_was_killed_does_not_keep_it_running(folder: Path):
    dead = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, pathlib; from app_server import postgres\n"
            "postgres.start(pathlib.Path(sys.argv[1])); os._exit(9)",
            str(folder),
        ],
        cwd=ROOT,
    )
    assert dead.wait(60) == 9

    server = postgres.start(folder)
    assert is_up(server)
    server.stop()
    assert not is_up(server)


def test_takes_another_port_when_its_own_is_taken(folder: Path):
    first = postgres.start(folder)
    first.stop()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind((first.host, first.port))
        thief.listen()
        second = postgres.start(folder)
        try:
            assert second.port != first.port
            assert ask(second.admin_url) == "postgres"
        finally:
            second.stop()


def test_sweeps_away_a_first_start_that_was_killed(folder: Path):
    (folder / "data" / "base").mkdir(parents=True)

    server = postgres.start(folder)
    try:
        assert ask(server.admin_url) == "postgres"
    finally:
        server.stop()


def test_says_which_versions_do_not_fit(folder: Path):
    server = postgres.start(folder)
    server.stop()
    (folder / "data" / "PG_VERSION").write_text("11\n")

    with pytest.raises(StartupError, match=r"made by Postgres 11; the one installed is \d+"):
        postgres.start(folder)


def test_says_which_folder_cannot_be_made():
    with pytest.raises(StartupError, match="can't be made"):
        postgres.start(Path("/proc/nowhere"))
