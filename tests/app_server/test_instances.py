"""Many instances in one server: by host name, apart from each other, coming and going."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import yaml

from app_server.instances import find_instances
from tests.app_server.running import (
    CallFailed,
    RunningServer,
    open_socket,
    start_server,
    write_files,
)
from tests.app_server.test_uplinks import say
from tests.app_server.uplinks import run_uplink

SERVER = """
import os
import anvil.server
from anvil.tables import app_tables

@anvil.server.callable
def add_note(text):
    return app_tables.notes.add_row(text=text)

@anvil.server.callable
def notes():
    return sorted(row["text"] for row in app_tables.notes.search())

@anvil.server.callable
def read_note(row):
    return row["text"]

@anvil.server.callable
def hand_out():
    return anvil.server.Capability(["order", 7])

@anvil.server.callable
def open_up(cap):
    return cap.scope

@anvil.server.callable
def remember(value):
    anvil.server.session["value"] = value

@anvil.server.callable
def recall():
    return anvil.server.session.get("value")

@anvil.server.callable
def worker():
    return os.getpid()

@anvil.server.route("/who")
def who():
    return anvil.app.id
"""
ANVIL_YAML = """
package_name: client
runtime_options: {version: 3, server_persist: true}
db_schema:
  notes:
    client: none
    server: full
    columns: [{name: text, type: string}]
"""


def write_instance(folder: Path, name: str, database: str, **options: Any) -> Path:
    given = {
        "app": "client",
        "data-dir": "data",
        "database": database,
        "origin": f"http://{name}.localhost:3030",
        "uplink-key": f"server-key-of-{name}",
        "client-uplink-key": f"client-key-of-{name}",
        "auto-migrate": True,
        **options,
    }
    files: dict[str, str | bytes] = {
        f"{name}/client/anvil.yaml": ANVIL_YAML,
        f"{name}/client/server_code/main.py": SERVER,
        f"{name}/data/.keep": "",
        f"{name}/instance.yaml": yaml.safe_dump(given),
    }
    write_files(folder, files)
    return folder / name


@pytest.fixture(scope="module")
def databases(postgres_url: str) -> Iterator[Callable[[str], str]]:
    """Makes databases for instances; all are dropped at the end."""
    made: list[str] = []

    def make(name: str) -> str:
        database = f"instances_{os.getpid()}_{name}"
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{database}"')
        made.append(database)
        parts = {**psycopg.conninfo.conninfo_to_dict(postgres_url), "dbname": database}
        return psycopg.conninfo.make_conninfo(**parts)

    yield make
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for database in made:
            admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, databases: Callable[[str], str]) -> Path:
    folder = tmp_path_factory.mktemp("instances")
    for name in ("yoga", "bakery"):
        write_instance(folder, name, databases(name))
    (folder / "notes.txt").write_text("not an instance")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningServer]:
    running = start_server(["--instances", str(folder)])
    try:
        yield running
    finally:
        running.stop()


def at(server: RunningServer, name: str) -> RunningServer:
    """The same server, asked under an instance's name, with cookies of its own."""
    view = RunningServer(server.process, server.port, f"{name}.localhost")
    view.client = httpx.Client(
        base_url=f"http://127.0.0.1:{server.port}",
        headers={"Host": f"{name}.localhost:{server.port}"},
        timeout=60,
    )
    return view


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_the_host_name_chooses_the_instance(server: RunningServer):
    assert at(server, "yoga").get("/who").text == "yoga"
    assert at(server, "bakery").get("/who").text == "bakery"
    assert at(server, "YOGA").get("/who").text == "yoga"


def test_an_unknown_name_is_told_nothing(server: RunningServer):
    response = at(server, "florist").get("/", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert "yoga" not in response.text and "bakery" not in response.text
    assert server.get("/").status_code == 404


def test_rows_of_one_are_in_no_other(server: RunningServer):
    with at(server, "yoga").browser() as yoga, at(server, "bakery").browser() as bakery:
        yoga.call("add_note", "asana")
        bakery.call("add_note", "bread")
        assert "asana" in yoga.call("notes") and "bread" not in yoga.call("notes")
        assert "bread" in bakery.call("notes") and "asana" not in bakery.call("notes")


def test_a_cookie_of_one_opens_nothing_of_another(server: RunningServer):
    yoga = at(server, "yoga")
    with yoga.browser() as browser:
        browser.call("remember", "secret")
        assert browser.call("recall") == "secret"
    stolen = {"Cookie": "; ".join(f"{k}={v}" for k, v in yoga.client.cookies.items())}
    with at(server, "bakery").browser(with_session=False, headers=stolen) as thief:
        with pytest.raises(CallFailed) as failure:
            thief.call("recall")
        assert failure.value.type == "anvil.server.SessionExpiredError"
        thief.call("anvil.private.reset_session")
        assert thief.call("recall") is None


def test_a_capability_of_one_opens_nothing_of_another(server: RunningServer):
    with at(server, "yoga").browser() as yoga, at(server, "bakery").browser() as bakery:
        for function, use in (("hand_out", "open_up"), ("add_note", "read_note")):
            value = yoga.call(function, *(["mine"] if function == "add_note" else []))
            objects = [
                {**entry, "path": ["args", 0, *entry["path"][1:]]}
                for entry in yoga.last["objects"]
                if entry["path"][0] == "response"
            ]
            assert any("Capability" in entry["type"] for entry in objects)
            with pytest.raises(CallFailed) as failure:
                bakery.send_call({"command": use}, [value], {}, objects)
            assert failure.value.type == "anvil.server.InvalidObjectError"


def test_an_uplink_key_of_one_opens_nothing_of_another(server: RunningServer):
    for key in ("server-key-of-yoga", "client-key-of-yoga"):
        with open_socket(server.port, "/_/uplink", "bakery.localhost") as socket:
            socket.send(json.dumps({"key": key, "v": 8}))
            assert "Incorrect uplink key" in str(socket.recv(timeout=10))


def test_an_uplink_without_a_host_name_is_known_by_its_key(server: RunningServer):
    with at(server, "bakery").browser() as bakery:
        bakery.call("add_note", "roll")
    script = "connect()\ntell(anvil.app.id, 'roll' in anvil.server.call('notes'))\n"
    with run_uplink(server.port, "server-key-of-bakery", script) as uplink:
        assert uplink.hear() == ["bakery", True]
    assert say(server.port, {"key": "wrong", "v": 8}) == [{"error": "Incorrect uplink key"}]


def test_functions_of_an_uplink_serve_one_instance_only(server: RunningServer):
    script = """
@anvil.server.callable
def only_here():
    return anvil.app.id
connect()
tell("ready")
anvil.server.wait_forever()
"""
    with run_uplink(server.port, "server-key-of-yoga", script) as uplink:
        uplink.hear()
        with at(server, "yoga").browser() as yoga, at(server, "bakery").browser() as bakery:
            assert yoga.call("only_here") == "yoga"
            with pytest.raises(CallFailed) as failure:
                bakery.call("only_here")
            assert failure.value.type == "anvil.server.NoServerFunctionError"


def test_every_instance_has_a_worker_of_its_own(server: RunningServer):
    with at(server, "yoga").browser() as yoga, at(server, "bakery").browser() as bakery:
        workers = {yoga.call("worker"), bakery.call("worker")}
        assert len(workers) == 2 and yoga.call("worker") in workers
    children = psutil.Process(server.process.pid).children()
    assert workers <= {worker.pid for worker in children}


def test_instances_come_change_and_go(
    server: RunningServer, folder: Path, databases: Callable[[str], str]
):
    florist = at(server, "florist")
    path = write_instance(folder, "florist", databases("florist"))
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: florist.get("/who").status_code == 200)
    file = path / "instance.yaml"
    file.write_text(file.read_text().replace("florist.localhost", "flowers.localhost"))
    flowers = at(server, "flowers")
    wait_for(lambda: flowers.get("/who").status_code == 200)
    assert florist.get("/who").status_code == 404
    file.unlink()
    wait_for(lambda: flowers.get("/who").status_code == 404)
    assert at(server, "yoga").get("/who").text == "yoga"


def test_a_broken_instance_harms_no_other_and_heals(
    server: RunningServer, folder: Path, databases: Callable[[str], str]
):
    write_instance(folder, "smith", databases("smith"), **{"downlink-key": "abc"})
    write_instance(folder, "twin", databases("twin"), origin="http://yoga.localhost:3030")
    write_instance(folder, "lonely", "postgresql://u:p@127.0.0.1:1/none")
    lonely = at(server, "lonely")
    wait_for(lambda: lonely.get("/who").status_code == 503)
    assert (
        "cannot be reached at the moment" in lonely.get("/", headers={"Accept": "text/html"}).text
    )
    wait_for(lambda: any("[twin] cannot be started" in line for line in server.log))
    log = "".join(server.log)
    assert "[smith] cannot be started" in log and "downlink-key is an option of anvil" in log
    assert "has the host name of yoga" in log
    assert at(server, "yoga").get("/who").text == "yoga"
    write_instance(folder, "lonely", databases("lonely"))
    wait_for(lambda: lonely.get("/who").status_code == 200)


def test_a_changed_app_is_served_without_a_restart(server: RunningServer, folder: Path):
    yoga = at(server, "yoga")
    before = yoga.get("/who").text
    file = folder / "yoga" / "client" / "server_code" / "main.py"
    file.write_text("this is no python")
    file.write_text(SERVER.replace("return anvil.app.id", "return 'new ' + anvil.app.id"))
    wait_for(lambda: yoga.get("/who").text == "new yoga")
    (folder / "yoga" / "client" / "anvil.yaml").write_text("a: [")
    wait_for(lambda: any("changed app cannot be loaded" in line for line in server.log))
    assert before == "yoga" and yoga.get("/who").text == "new yoga"
    (folder / "yoga" / "client" / "anvil.yaml").write_text(ANVIL_YAML)


def test_passes_over_what_is_still_being_made(tmp_path: Path):
    for name in ("inn", ".provisioning-shop", ".destroyed-spa"):
        write_files(tmp_path, {f"{name}/instance.yaml": "app: x\n"})
    assert list(find_instances(tmp_path)) == ["inn"]


def pause(folder: Path, mode: str) -> None:
    (folder / "paused.json").write_text(json.dumps({"mode": mode, "reason": "unpaid since May"}))


def test_a_stopped_instance_tells_visitors_and_comes_back(folder: Path, server: RunningServer):
    yoga, bakery = at(server, "yoga"), at(server, "bakery")
    before = (yoga.get("/who").text, bakery.get("/who").text)
    pause(folder / "yoga", "stopped")
    wait_for(lambda: yoga.get("/_/health").json().get("released"))

    page = yoga.get("/who", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "3600")
    assert "closed for now" in page.text and "unpaid" not in page.text
    assert yoga.get("/_/health").json()["state"] == "stopped"
    assert bakery.get("/who").text == before[1]

    (folder / "yoga" / "paused.json").unlink()
    wait_for(lambda: yoga.get("/_/health").status_code == 200)
    assert yoga.get("/who").text == before[0]


def test_visitors_wait_while_an_instance_is_changed(folder: Path, server: RunningServer):
    yoga = at(server, "yoga")
    before = yoga.get("/who").text
    pause(folder / "yoga", "changing")
    wait_for(lambda: yoga.get("/_/health").json().get("released"))
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(yoga.get, "/who")
        # What is answered at once has come and gone by then.
        assert yoga.get("/_/ready").json()["state"] == "changing"
        assert not waiting.done()
        (folder / "yoga" / "paused.json").unlink()
        answer = waiting.result(timeout=60)
    assert (answer.status_code, answer.text) == (200, before), "".join(server.log)


def test_a_pause_survives_a_restart(folder: Path, databases: Callable[[str], str], tmp_path: Path):
    write_instance(tmp_path, "inn", databases("paused"))
    pause(tmp_path / "inn", "stopped")
    running = start_server(["--instances", str(tmp_path)])
    try:
        assert at(running, "inn").get("/who").status_code == 503
        assert at(running, "inn").get("/_/ready").json()["state"] == "stopped"
    finally:
        running.stop()
