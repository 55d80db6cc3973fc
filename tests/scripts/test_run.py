"""`scripts/run` as a person meets it: it serves, keeps what was there, stops what it started."""

from __future__ import annotations

import json
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from scripts.operations.inside import uplink
from scripts.operations.instances import find_instance
from scripts.operations.releases import remove_folder
from scripts.operations.serving import find_free_port
from tests.app_server.running import Browser, open_socket
from tests.scripts.running import Run, postmasters

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    # Not below pytest's own folder: as root, Postgres runs as a user who must get there.
    with tempfile.TemporaryDirectory(prefix="mybizz-run-") as name:
        yield Path(name)
        remove_folder(Path(name) / "releases")


@pytest.fixture(scope="module")
def first_start(base: Path) -> Iterator[Run]:
    run = Run(base, find_free_port()).wait_until_ready()
    yield run
    if run.child.poll() is None:
        run.stop()


def test_a_first_start_serves_site_and_app(first_start: Run):
    status, home_page = first_start.get("/")
    assert status == 200 and "Sunrise Yoga Studio" in home_page
    status, app_page = first_start.get("/app")
    assert status == 200 and "<noscript>" in app_page
    assert "Published v" in first_start.said


def test_prints_addresses_and_log_ins_that_work(first_start: Run):
    assert f"http://yogastudio.localhost:{first_start.port}/app" in first_start.said
    instance = find_instance(first_start.home, "yogastudio")
    log_ins = json.loads(instance.log_ins_file.read_text())
    assert {log_in["role"] for log_in in log_ins} == {"owner", "manager", "staff", "customer"}
    for log_in in log_ins:
        assert log_in["email"] in first_start.said and log_in["password"] in first_start.said
    wrong = {**log_ins[0], "password": "not the password"}
    for log_in in (*log_ins, wrong):
        answer = answer_to_log_in(first_start.port, log_in["email"], log_in["password"])
        assert answer["success"] is (log_in is not wrong), answer


def answer_to_log_in(port: int, email: str, password: str) -> Any:
    """What a browser of its own hears, with the session that the app's page gave it."""
    host = "yogastudio.localhost"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        client.get("/app", headers={"Host": f"{host}:{port}"})
        cookies = "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)
    with open_socket(port, "/_/ws", host, {"Cookie": cookies}) as connection:
        return Browser(connection).call("log_in", email, password)


def test_sample_data_is_in_the_tenants_own_database(first_start: Run):
    instance = find_instance(first_start.home, "yogastudio")
    address = str(instance.read_config()["database"]).removeprefix("jdbc:")
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT count(*), current_database() FROM app.contacts").fetchone()
    assert row and row[0] > 50 and row[1] == "mybizz_yogastudio"


def test_a_second_start_on_a_taken_port_says_so_and_touches_nothing(first_start: Run, base: Path):
    second = Run(base, first_start.port)

    assert second.finish() == 1
    assert f"Port {first_start.port} is taken" in second.said
    assert first_start.get("/")[0] == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stops_all_that_it_started(first_start: Run, base: Path, how: signal.Signals):
    run = first_start
    if run.child.poll() is not None:
        run = Run(base, find_free_port()).wait_until_ready()
    family = run.stop(how)

    # Server, worker, database.
    assert len(family) >= 3
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert run.child.returncode == 0


def test_starts_again_after_it_was_killed(first_start: Run, base: Path):
    if first_start.child.poll() is None:
        first_start.stop()
    run = Run(base, find_free_port()).wait_until_ready()
    # The database stays for the next start, which takes it over; the server goes at once.
    database = postmasters(run.home)
    family = psutil.Process(run.child.pid).children(recursive=True)
    family = [process for process in family if process not in database]
    run.child.kill()
    run.finish()
    gone, alive = psutil.wait_procs(family, timeout=20)
    assert gone and alive == []

    again = Run(base, run.port).wait_until_ready()
    assert again.get("/")[0] == 200
    assert again.stop()
    assert postmasters(again.home) == []


def test_a_later_start_keeps_everything_and_follows_the_port(first_start: Run, base: Path):
    if first_start.child.poll() is None:
        first_start.stop()
    log_ins = find_instance(first_start.home, "yogastudio").log_ins_file.read_text()
    run = Run(base, find_free_port()).wait_until_ready()
    try:
        assert "Published" not in run.said and "Provisioned" not in run.said
        assert f"http://yogastudio.localhost:{run.port}/" in run.said
        assert run.get("/app")[0] == 200
        instance = find_instance(run.home, "yogastudio")
        assert instance.log_ins_file.read_text() == log_ins
        with uplink(instance, run.port) as call:
            assert call("list_contacts", query={})["success"]
    finally:
        run.stop()


def test_refuses_a_release_that_was_changed(first_start: Run, base: Path):
    if first_start.child.poll() is None:
        first_start.stop()
    file = next(first_start.home.releases.glob("v*/master_template/anvil.yaml"))
    original = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(original + b"# changed\n")
    try:
        run = Run(base, find_free_port())
        assert run.finish() == 1
        assert "is not what was published" in run.said and "anvil.yaml" in run.said
        assert "Traceback" not in run.said
    finally:
        file.write_bytes(original)
        file.chmod(0o444)


def test_says_that_the_given_database_cannot_be_reached(base: Path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        run = Run(base, find_free_port(), "--database", f"postgresql://x:y@127.0.0.1:{port}/z")
        assert run.finish() == 1
    assert "can't be reached" in run.said and "Traceback" not in run.said


def test_an_external_database_and_an_empty_business(postgres_url: str, tmp_path: Path):
    run = Run(tmp_path, find_free_port(), "--database", postgres_url, "--no-sample-data")
    try:
        run.wait_until_ready()
        assert "customer" not in run.said and "owner" in run.said
        assert not (tmp_path / "postgres").exists()
        with uplink(find_instance(run.home, "yogastudio"), run.port) as call:
            assert call("list_contacts", query={})["total"] == 0
    finally:
        if run.child.poll() is None:
            run.stop()
        remove_folder(tmp_path / "releases")
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS mybizz_yogastudio WITH (FORCE)")
            admin.execute("DROP ROLE IF EXISTS mybizz_yogastudio")


def test_hands_the_same_instance_file_to_anvils_server(base: Path, tmp_path: Path):
    """The real program needs a download; a stand-in on the PATH shows what it would be given."""
    for name, body in {
        "anvil-app-server": 'echo "asked: $@ in $(pwd)"; exit 3',
        "java": "exit 0",
    }.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    run = Run(base, find_free_port(), "--server", "anvil", env={"PATH": path})

    assert run.finish() == 1
    instance = find_instance(run.home, "yogastudio")
    assert f"asked: --config-file {instance.config_file} in {instance.path}" in run.said
    assert "exit code 3" in run.said
