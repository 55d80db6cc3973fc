"""Health, readiness, metrics and the log in JSON: what a machine reads of a server."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app_server import metrics as counting
from app_server.http.observing import without_tokens
from app_server.limits import MAX_COUNTED_FUNCTIONS
from app_server.logs import make_request_id
from app_server.metrics import InstanceMetrics, request_kind
from tests.app_server.running import CallFailed, RunningServer, serve_app, start_server

CODE = """
import anvil.server
@anvil.server.callable
def double(n):
    return 2 * n
@anvil.server.callable
def tell():
    print("told")
@anvil.server.callable
def fail():
    raise ValueError("no")
@anvil.server.http_endpoint("/hi")
def hi():
    return "hi"
@anvil.server.route("/home")
def home(**query):
    return anvil.server.HttpResponse(200, "home")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("observed")
    options = ("--log-format", "json", "--metrics-token", "let-me-see")
    with serve_app(folder, {"server_code/main.py": CODE}, *options) as running:
        yield running


def read(server: RunningServer, **options: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    """The samples of ``/_/metrics`` by name and values of their labels."""
    answer = server.get("/_/metrics", **options)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def entries(server: RunningServer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log if line.startswith("{")]


def wait_for(server: RunningServer, **facts: Any) -> dict[str, Any]:
    """The entry with these members; the log is read by a thread that may lag behind."""
    while True:
        for entry in entries(server):
            if all(entry.get(name) == value for name, value in facts.items()):
                return entry
        assert server.process.poll() is None


def test_counts_requests_by_kind_and_status(server: RunningServer):
    before = read(server)
    server.get("/home")
    server.get("/_/api/hi")
    server.get("/nowhere")
    after = read(server)

    name = "mybizz_http_requests_total"
    for labels in (("page", "GET", "200"), ("api", "GET", "200"), ("page", "GET", "404")):
        assert after[name, labels] == before.get((name, labels), 0) + 1
    counted = after["mybizz_http_request_seconds_count", ("page",)]
    assert counted == sum(v for (n, k), v in after.items() if n == name and k[0] == "page")
    assert after["mybizz_http_request_seconds_bucket", ("page", "+Inf")] == counted


def test_counts_calls_by_function_and_outcome(server: RunningServer):
    with server.browser() as browser:
        assert browser.call("double", 4) == 8
        for function in ("fail", "no_such_function_7"):
            with pytest.raises(CallFailed):
                browser.call(function)
        sockets = read(server)["mybizz_browser_sockets", ()]
    found = read(server)

    assert found["mybizz_calls_total", ("double", "ok")] == 1
    assert found["mybizz_calls_total", ("fail", "ValueError")] == 1
    assert found["mybizz_function_seconds_total", ("double",)] > 0
    assert sockets == 1
    # Nobody can make series by calling what is not there.
    assert not any("no_such_function_7" in labels for _, labels in found)
    assert ("mybizz_calls_total", ("(unknown)", "anvil.server.NoServerFunctionError")) in found


def test_tells_the_state(server: RunningServer):
    found = read(server)
    assert found["mybizz_ready", ()] == 1 and found["mybizz_database_up", ()] == 1
    assert found["mybizz_server_memory_bytes", ()] > 10_000_000
    assert any(name == "mybizz_instance_info" and "shop" in labels for name, labels in found)


def test_metrics_are_not_for_everybody(server: RunningServer):
    through_a_proxy = {"X-Forwarded-For": "203.0.113.7"}
    assert server.get("/_/metrics", headers=through_a_proxy).status_code == 403
    wrong = {**through_a_proxy, "Authorization": "Bearer let-me-in"}
    assert server.get("/_/metrics", headers=wrong).status_code == 403
    right = {**through_a_proxy, "Authorization": "Bearer let-me-see"}
    assert read(server, headers=right)


def test_without_a_token_no_token_opens(tmp_path: Path):
    with serve_app(tmp_path, {"server_code/main.py": CODE}) as server:
        headers = {"X-Forwarded-For": "203.0.113.7", "Authorization": "Bearer None"}
        assert server.get("/_/metrics", headers=headers).status_code == 403
        assert read(server)


def test_each_request_has_an_id_in_its_answer_and_in_the_log(server: RunningServer):
    request_id = server.get("/home?secret=1").headers["x-request-id"]
    entry = wait_for(server, request_id=request_id, message="request")
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/home", 200)
    assert entry["instance"] == "shop" and entry["duration_ms"] >= 0
    assert entry["level"] == "info" and entry["at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("given", "is_taken"), [("a1-b2.c3", True), ("x" * 65, False), ("a b", False)]
)
def test_goes_on_with_a_proxys_id(server: RunningServer, given: str, is_taken: bool):
    answer = server.get("/home", headers={"X-Request-Id": given})
    assert (answer.headers["x-request-id"] == given) is is_taken


def test_what_a_call_logs_carries_its_id(server: RunningServer):
    with server.browser() as browser, pytest.raises(CallFailed):
        browser.call("fail")
    entry = wait_for(server, message="call", function="fail")
    assert entry["outcome"] == "ValueError" and entry["origin"] == "client"
    trace = next(e for e in entries(server) if e["level"] == "error" and "no" in e["message"])
    assert trace["instance"] == "shop" and "request_id" in trace
    ids = {e["request_id"] for e in entries(server) if e.get("function") == "fail"}
    assert trace["request_id"] in ids


def test_a_call_that_a_request_makes_goes_by_its_id(server: RunningServer):
    request_id = server.get("/_/api/hi").headers["x-request-id"]
    entry = wait_for(server, request_id=request_id, message="call")
    assert (entry["origin"], entry["function"]) == ("http_endpoint", "http")


def test_every_line_of_the_log_is_json(server: RunningServer):
    with server.browser() as browser:
        browser.call("tell")
    wait_for(server, message="told")
    ours = [line for line in server.log if "Listening on" not in line]
    assert ours and all(isinstance(json.loads(line), dict) for line in ours)


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/app/invitation/Zk3xQ-7aB_c9dE1fG2hJ4k", "/app/invitation/***"),
        ("/app/contacts/C-12", "/app/contacts/C-12"),
        ("/blog/how-to-start-with-yoga-today", "/blog/how-to-start-with-yoga-today"),
    ],
)
def test_no_token_stands_in_the_log(path: str, logged: str):
    assert without_tokens(path) == logged


def test_people_get_lines_and_not_every_request(tmp_path: Path):
    with serve_app(tmp_path, {"server_code/main.py": CODE}) as server:
        server.get("/home")
        server.get("/_/health")
    assert not any(line.startswith("{") or "/_/health" in line for line in server.log)


def test_an_unknown_format_is_refused():
    with pytest.raises(RuntimeError, match="expected 'text' or 'json'"):
        start_server(["--log-format", "xml"])


def test_also_a_failed_start_is_told_in_json(tmp_path: Path):
    with pytest.raises(RuntimeError) as told:
        start_server(["--app", str(tmp_path / "nowhere"), "--log-format", "json"], cwd=tmp_path)
    assert json.loads(str(told.value).splitlines()[-1])["level"] == "critical"


def test_ready_while_it_can_serve(server: RunningServer):
    answer = server.get("/_/ready")
    assert answer.status_code == 200 and answer.json() == {"ready": True, "reasons": []}


TABLES = """
package_name: shop
services: [{source: /runtime/services/tables.yml}]
db_schema: {}
runtime_options: {version: 3, server_persist: true}
"""


def test_not_ready_without_the_database(tmp_path: Path, database_url: str, postgres_url: str):
    import psycopg

    given = ("--auto-migrate",)
    with serve_app(tmp_path, {}, *given, database_url=database_url, anvil_yaml=TABLES) as server:
        assert server.get("/_/ready").status_code == 200
        assert read(server)["mybizz_database_connections", ("size",)] > 0
        name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        answer = server.get("/_/ready")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["The database cannot be reached."]
        found = read(server)
        assert found["mybizz_ready", ()] == found["mybizz_database_up", ()] == 0
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')


def test_not_ready_once_it_is_told_to_stop(tmp_path: Path):
    """A connection that is open already asks once more, while a long call holds the server."""
    code = CODE + (
        "@anvil.server.http_endpoint('/slow')\n"
        "def slow():\n    import time\n    print('slow')\n    time.sleep(3)\n    return 'done'\n"
    )
    with (
        serve_app(tmp_path, {"server_code/main.py": code}) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        assert client.get("/_/ready").status_code == 200
        slow.sendall(b"GET /_/api/slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not any("slow" in line for line in server.log):
            assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        statuses = [client.get("/_/ready").status_code]
        while statuses[-1] == 200 and len(statuses) < 5000:
            statuses.append(client.get("/_/ready").status_code)
        assert statuses[-1] == 503
        received = b""
        while b"done" not in received and (piece := slow.recv(65536)):
            received += piece
        assert b"done" in received


def test_the_number_of_series_is_bounded():
    counted = InstanceMetrics()
    for number in range(MAX_COUNTED_FUNCTIONS + 50):
        counted.add_call(f"function_{number}", "client", "ok", 0.01)
    assert len(counted.function_seconds) == MAX_COUNTED_FUNCTIONS + 1
    assert counted.calls[counting.OTHER_FUNCTIONS, "ok"] == 50
    assert sum(counted.call_seconds["client"].counts) == MAX_COUNTED_FUNCTIONS + 50


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, 0), (0.005, 0), (0.0051, 1), (30.0, 11), (31.0, 12)]
)
def test_a_duration_is_counted_below_its_bound(seconds: float, bucket: int):
    durations = counting.Durations()
    durations.add(seconds)
    assert durations.counts.index(1) == bucket


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "page"),
        ("/app/contacts", "page"),
        ("/_/api/x", "api"),
        ("/_/theme/a.css", "asset"),
        ("/_/ws", "system"),
    ],
)
def test_sorts_addresses_into_few_kinds(path: str, kind: str):
    assert request_kind(path) == kind


def test_ids_differ():
    assert len({make_request_id() for _ in range(100)}) == 100
