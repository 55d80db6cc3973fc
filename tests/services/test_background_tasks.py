"""Background and scheduled tasks through the real server and its processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.app_server.running import Browser, CallFailed, RunningServer, serve_app

TASK = "anvil.private.BackgroundTask"

ANVIL_YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
scheduled_tasks:
- {job_id: OFTEN, task_name: tick, time_spec: {every: minute, n: 1, at: {}}}
db_schema: {}
"""

SERVER_CODE = """
import datetime
import time

import anvil
import anvil.server


@anvil.server.portable_class
class Result:
    def __init__(self, total):
        self.total = total


@anvil.server.background_task
def add(a, b=0, name=None):
    anvil.server.task_state["seen"] = [a, b]
    print("adding", a, b, name)
    context = anvil.server.context
    assert context.client.type == "background_task", context.client
    assert context.background_task_id
    return {"sum": Result(a + b), "on": datetime.date(2026, 3, 1), "name": name}


@anvil.server.background_task
def read(media):
    return media.get_bytes().decode()


@anvil.server.background_task
def fail():
    anvil.server.task_state["step"] = 3
    raise ValueError("out of stock")


@anvil.server.background_task
def make_media():
    return anvil.BlobMedia("text/plain", b"x")


@anvil.server.background_task
def wait():
    anvil.server.task_state["at"] = datetime.date(2026, 3, 1)
    while True:
        time.sleep(0.05)


@anvil.server.background_task
def tick():
    print("tick")


@anvil.server.background_task
def chain(left):
    if left:
        return anvil.server.launch_background_task("chain", left - 1).get_id()
    return "end"


@anvil.server.callable
def launch(task, *args, **kwargs):
    return anvil.server.launch_background_task(task, *args, **kwargs)


@anvil.server.callable
def get(task_id):
    return anvil.server.get_background_task(task_id)


@anvil.server.callable
def ids():
    return [task.get_id() for task in anvil.server.list_background_tasks()]


@anvil.server.callable
def sum_of(task):
    return task.get_return_value()["sum"].total


@anvil.server.callable
def error_of(task):
    try:
        task.get_error()
    except Exception as error:
        return [type(error).__name__, str(error)]


@anvil.server.callable
def ask(task, method):
    return getattr(task, method)()
"""


class Task:
    """A task's live object, in a browser that got it from server code."""

    def __init__(self, browser: Browser, function: str, *args: Any, **kwargs: Any):
        self.browser = browser
        browser.call(function, *args, **kwargs)
        [spec] = [o for o in browser.last["objects"] if "LiveObject" in o["type"]]
        self.spec = {k: v for k, v in spec.items() if k not in ("path", "type")}

    def __getattr__(self, method: str) -> Callable[[], Any]:
        target = {"liveObjectCall": {**self.spec, "method": method}}
        return lambda: self.browser.send_call(target, [])

    def ask_server(self, function: str, *args: Any) -> Any:
        """Hand the task to server code, which may do more with it."""
        spec = {**self.spec, "type": ["LiveObject"], "path": ["args", 0]}
        return self.browser.send_call({"command": function}, [None, *args], objects=[spec])

    def wait_for(self, status: str) -> None:
        wait_until(lambda: self.get_termination_status() is not None)
        assert self.get_termination_status() == status

    def wait_for_state(self) -> Any:
        wait_until(self.get_state)
        assert self.is_running() is True
        return self.get_state()


def wait_until(is_so: Callable[[], Any]) -> None:
    """Ask until it is so; often, but below the limit of calls per second."""
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run(folder: Path, database: str) -> Any:
    files = {"server_code/main.py": SERVER_CODE}
    return serve_app(
        folder, files, "--uplink-key=key", database_url=database, anvil_yaml=ANVIL_YAML
    )


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, shared_database: str
) -> Iterator[RunningServer]:
    with run(tmp_path_factory.mktemp("tasks"), shared_database) as server:
        yield server


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    with server.browser() as browser:
        yield browser


def test_a_task_runs_and_answers(server: RunningServer, browser: Browser) -> None:
    task = Task(browser, "launch", "add", 2, b=3, name="zoe")
    task.wait_for("completed")
    assert task.is_completed() is True
    assert task.is_running() is False
    assert task.get_task_name() == "add"
    assert task.get_state() == {"seen": [2, 3]}
    value = task.get_return_value()
    assert value["name"] == "zoe"
    kinds = {o["path"][-1]: o["type"][0] for o in browser.last["objects"]}
    assert kinds == {"sum": "ValueType", "on": "Date"}
    assert task.ask_server("sum_of") == 5
    assert task.get_error() is None
    task.get_start_time()
    assert browser.last["objects"][0]["type"] == ["DateTime"]
    assert any("adding 2 3 zoe" in line for line in server.log)
    assert task.get_id() in browser.call("ids")
    assert Task(browser, "get", task.get_id()).get_task_name() == "add"


def test_media_arrive_whole(browser: Browser) -> None:
    media = {"path": ["args", 1], "type": ["DataMedia"], "id": "m1", "mime-type": "text/plain"}
    browser.send_call(
        {"command": "launch"},
        ["read", None],
        objects=[{**media, "name": "a.txt"}],
        media={"m1": [b"one ", b"two"]},
    )
    [spec] = browser.last["objects"]
    task_id = spec["id"].strip('"')
    task = Task(browser, "get", task_id)
    task.wait_for("completed")
    assert task.get_return_value() == "one two"


def test_a_task_that_raises(browser: Browser) -> None:
    task = Task(browser, "launch", "fail")
    task.wait_for("failed")
    assert task.get_state() == {"step": 3}
    assert task.ask_server("error_of") == ["AnvilWrappedError", "out of stock"]
    for method in (task.is_completed, task.get_return_value, task.get_error):
        with pytest.raises(CallFailed) as caught:
            method()
        assert (caught.value.type, caught.value.message) == ("ValueError", "out of stock")
    assert len(caught.value.error["trace"]) >= 1


def test_a_task_that_does_not_exist(browser: Browser) -> None:
    task = Task(browser, "launch", "nothing")
    task.wait_for("failed")
    with pytest.raises(CallFailed, match="nothing"):
        task.get_error()


def test_media_cannot_be_returned(browser: Browser) -> None:
    task = Task(browser, "launch", "make_media")
    task.wait_for("failed")
    with pytest.raises(CallFailed, match="cannot be kept"):
        task.get_return_value()


def test_a_running_task_tells_its_state_and_can_be_killed(browser: Browser) -> None:
    task = Task(browser, "launch", "wait")
    task.wait_for_state()
    task.get_state()
    assert [o["type"] for o in browser.last["objects"]] == [["Date"]]
    assert task.get_return_value() is None
    assert task.is_completed() is False
    with pytest.raises(CallFailed) as caught:
        task.kill()
    assert caught.value.type == "anvil.server.BackgroundTaskError"
    task.ask_server("ask", "kill")
    task.wait_for("killed")
    task.get_state()
    assert [o["type"] for o in browser.last["objects"]] == [["Date"]]
    assert task.get_error() is None
    with pytest.raises(CallFailed) as caught:
        task.is_completed()
    assert caught.value.type == "anvil.server.BackgroundTaskKilled"
    task.ask_server("ask", "kill")


def test_a_chain_of_tasks_has_no_end(browser: Browser) -> None:
    task = Task(browser, "launch", "chain", 12)
    links = 0
    while True:
        task.wait_for("completed")
        value = task.get_return_value()
        if value == "end":
            break
        task, links = Task(browser, "get", value), links + 1
    assert links == 12


@pytest.mark.parametrize(
    ("function", "args"), [("launch", ["add", 1]), ("get_by_id", ["x"]), ("list", [])]
)
def test_browsers_manage_no_tasks(browser: Browser, function: str, args: list[Any]) -> None:
    with pytest.raises(CallFailed) as caught:
        browser.call(f"anvil.private.background_tasks.{function}", *args)
    assert caught.value.type == "anvil.server.BackgroundTaskError"


def test_forged_tasks_are_refused(browser: Browser) -> None:
    task = Task(browser, "launch", "add", 1)
    task.spec["id"] = '"another"'
    with pytest.raises(CallFailed) as caught:
        task.get_state()
    assert caught.value.type == "anvil.server.InvalidObjectError"


def test_an_unknown_task(browser: Browser) -> None:
    with pytest.raises(CallFailed) as caught:
        browser.call("get", "nonsense")
    assert caught.value.type == "anvil.server.BackgroundTaskNotFound"


def test_an_uplink_runs_tasks_and_launches_them(server: RunningServer, browser: Browser) -> None:
    code = f"""
import anvil.server, sys
@anvil.server.background_task
def on_uplink(a):
    anvil.server.task_state["a"] = a
    sys.stdin.readline()
    return a * 2
anvil.server.connect("key", url="ws://127.0.0.1:{server.port}/_/uplink", quiet=True)
task = anvil.server.launch_background_task("chain", 0)
while not task.is_completed():
    pass
print(task.get_return_value(), task.get_state(), flush=True)
anvil.server.wait_forever()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as uplink:
        assert uplink.stdin is not None
        assert uplink.stdout is not None
        assert uplink.stdout.readline() == "end {}\n"
        task = Task(browser, "launch", "on_uplink", 21)
        assert task.wait_for_state() == {"a": 21}
        uplink.stdin.write("\n")
        uplink.stdin.flush()
        task.wait_for("completed")
        assert task.get_return_value() == 42
        lost = Task(browser, "launch", "on_uplink", 1)
        assert lost.wait_for_state() == {"a": 1}
        uplink.kill()
        uplink.wait()
    lost.wait_for("missing")
    with pytest.raises(CallFailed, match="missing"):
        lost.is_completed()


def test_tasks_outlive_the_server_as_records(tmp_path: Path, database_url: str) -> None:
    with run(tmp_path, database_url) as server, server.browser() as browser:
        done, going = Task(browser, "launch", "add", 1), Task(browser, "launch", "wait")
        done.wait_for("completed")
        going.wait_for_state()
        ids = done.get_id(), going.get_id()
    with psycopg.connect(database_url) as db:
        db.execute(
            "UPDATE _mybizz.scheduled_tasks SET next_run_at = next_run_at - interval '1 hour'"
        )
    with run(tmp_path, database_url) as server, server.browser() as browser:
        assert Task(browser, "get", ids[0]).ask_server("sum_of") == 1
        gone = Task(browser, "get", ids[1])
        assert gone.get_termination_status() == "missing"
        assert gone.get_state() is None
        wait_until(lambda: any(line.endswith("tick\n") for line in server.log))
