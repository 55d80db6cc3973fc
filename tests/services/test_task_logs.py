"""The log in JSON ties together what belongs to one call: its own lines, those of what it calls in
turn, and those of the background tasks that it launches; also where one process serves many."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from app_server.background import records
from tests.app_server.running import RunningServer, serve_app

YAML = """\
package_name: shop
services: [{source: /runtime/services/tables.yml, client_config: {}}]
runtime_options: {version: 3, server_persist: true}
scheduled_tasks:
- {job_id: SWEEP, task_name: sweep, time_spec: {every: minute, n: 1000}}
"""
CODE = """
import anvil.server

@anvil.server.http_endpoint("/say/:word")
def say(word):
    print("said", word)
    return word

@anvil.server.http_endpoint("/launch/:word")
def launch(word):
    anvil.server.launch_background_task("repeat", word)
    return word

@anvil.server.background_task
def repeat(word):
    print("repeated", word)
    if word == "fail":
        raise ValueError("no word")

@anvil.server.background_task
def sweep():
    print("swept")
"""


@pytest.fixture(scope="module")
def server(
    shared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("task-logs")
    with psycopg.connect(shared_database) as database:
        # It is due when the server starts.
        database.execute(records._SCHEMA)
        database.execute(
            "INSERT INTO _mybizz.scheduled_tasks VALUES ('SWEEP', 'sweep', %s, now())",
            [json.dumps({"every": "minute", "n": 1000})],
        )
    with serve_app(
        folder,
        {"server_code/main.py": CODE},
        "--log-format",
        "json",
        database_url=shared_database,
        anvil_yaml=YAML,
    ) as running:
        yield running


def ask(server: RunningServer, path: str) -> str:
    """The id of the request."""
    answer = httpx.get(f"{server.url}/_/api{path}", timeout=30)
    assert answer.status_code == 200
    return answer.headers["x-request-id"]


def wait_for(server: RunningServer, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    pause = threading.Event()
    for _look in range(600):
        for line in list(server.log):
            if line.startswith("{") and is_it(entry := json.loads(line)):
                return entry
        pause.wait(0.05)
    raise AssertionError("".join(server.log[-30:]))


def test_a_line_belongs_to_the_call_that_printed_it(server: RunningServer):
    """One process serves them one after the other."""
    ids = {word: ask(server, f"/say/{word}") for word in ("one", "two", "three")}
    for word, request_id in ids.items():
        said = wait_for(server, lambda entry, word=word: entry["message"] == f"said {word}")
        assert said["request_id"] == request_id and said["instance"] == "shop"
    assert len(set(ids.values())) == 3


@pytest.mark.parametrize(("word", "outcome"), [("hello", "completed"), ("fail", "failed")])
def test_a_task_goes_by_the_id_of_the_call_that_launched_it(
    server: RunningServer, word: str, outcome: str
):
    ask(server, "/say/other")
    request_id = ask(server, f"/launch/{word}")
    ended = wait_for(
        server,
        lambda entry: entry["message"] == "task" and entry.get("request_id") == request_id,
    )
    assert (ended["function"], ended["origin"], ended["outcome"]) == (
        "repeat",
        "background",
        outcome,
    )
    assert ended["duration_ms"] > 0 and ended["task_id"] and ended["instance"] == "shop"
    printed = wait_for(server, lambda entry: entry["message"] == f"repeated {word}")
    assert printed["request_id"] == request_id
    if outcome == "failed":
        failure = wait_for(server, lambda entry: "no word" in entry["message"])
        assert failure["request_id"] == request_id and failure["level"] == "error"


def test_a_scheduled_task_has_an_id_of_its_own(server: RunningServer):
    ended = wait_for(server, lambda entry: entry.get("origin") == "scheduled")
    assert (ended["function"], ended["job_id"]) == ("sweep", "SWEEP")
    assert ended["outcome"] == "completed" and ended["duration_ms"] > 0
    printed = wait_for(server, lambda entry: entry["message"] == "swept")
    assert printed["request_id"] == ended["request_id"]
    others = [
        json.loads(line).get("request_id") for line in server.log if '"message": "request"' in line
    ]
    assert ended["request_id"] not in others and "user_id" not in ended
