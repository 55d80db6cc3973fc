"""A changed app counts at once for what comes next; what runs, and pages that are open, go on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.app_server.running import RunningServer, start_server, write_files
from tests.app_server.test_http import boot_object

YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
startup: {type: form, module: Home}
dependencies:
- {dep_id: LIB, resolution_hints: {package_name: lib}}
services:
- {source: /runtime/services/mine.yml, client_config: {colour: COLOUR}}
"""
MAIN = """
import anvil.server, time
from lib import greeting

@anvil.server.callable
def hello():
    return greeting.text()

@anvil.server.callable
def slow():
    time.sleep(1.5)
    return "VERSION"

@anvil.server.callable
def version():
    return "VERSION"

@anvil.server.callable
def own_config():
    return anvil.server.call("anvil.private.get_client_config", "/runtime/services/mine.yml")
"""


def write_app(folder: Path, version: str = "one", colour: str = "red", said: str = "hi") -> None:
    files: dict[str, str | bytes] = {
        "shop/anvil.yaml": YAML.replace("COLOUR", colour),
        "shop/server_code/main.py": MAIN.replace("VERSION", version),
        "shop/client_code/Home/__init__.py": f"class Home:\n    version = '{version}'\n",
        "shop/client_code/Home/form_template.html": "<div>x</div>",
        "shop/theme/assets/site.css": f"a {{ content: '{version}' }}",
        "lib/anvil.yaml": "package_name: lib\nruntime_options: {version: 3}\n",
        "lib/server_code/greeting.py": f"def text():\n    return '{said}'\n",
    }
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_text() != content:
            write_files(folder, {name: content})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    write_app(tmp_path)
    (tmp_path / "data").mkdir()
    arguments = ["--app", str(tmp_path / "shop"), "--data-dir", str(tmp_path / "data")]
    running = start_server([*arguments, "--database", "none", "--dep-id", "LIB=lib"])
    try:
        yield running
    finally:
        running.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_each_part_of_an_app_is_taken_over(server: RunningServer, tmp_path: Path):
    with server.browser() as browser:
        assert browser.call("hello") == "hi"
        write_app(tmp_path, said="good morning")
        wait_for(lambda: browser.call("hello") == "good morning")
        write_app(tmp_path, said="good morning", colour="blue")
        wait_for(lambda: browser.call("own_config") == {"colour": "blue"})
        assert server.get("/_/theme/site.css").text.count("one") == 1
        code = boot_object(server.get("/").text)["appUrl"]
        write_app(tmp_path, "two", said="good morning", colour="blue")
        wait_for(lambda: browser.call("version") == "two")
        assert server.get("/_/theme/site.css").text.count("two") == 1
        changed = boot_object(server.get("/").text)["appUrl"]
        assert changed != code, "a page that is opened now gets the new code"
        assert "version = 'two'" in server.get("/" + str(changed)).text
        assert "version = 'one'" in server.get("/" + str(code)).text, "an older page goes on"
        told = [update for update in browser.updates if update.get("type") != "CHUNK_HEADER"]
        assert not told, "pages that are open are told nothing"


def test_a_call_that_runs_ends_with_the_code_that_it_began_with(
    server: RunningServer, tmp_path: Path
):
    with server.browser() as browser, server.browser() as other:
        assert browser.call("version") == "one"
        call = {"type": "CALL", "id": "s", "command": "slow", "args": [], "kwargs": {}}
        browser.socket.send(json.dumps(call))
        time.sleep(0.3)
        write_app(tmp_path, "two")
        wait_for(lambda: other.call("version") == "two")
        assert browser.wait("s") == "one"


def test_a_file_that_is_replaced_or_gone(server: RunningServer, tmp_path: Path):
    with server.browser() as browser:
        code = tmp_path / "shop" / "server_code"
        (code / "next.py").write_text(MAIN.replace("VERSION", "moved"))
        (code / "next.py").replace(code / "main.py")
        wait_for(lambda: browser.call("version") == "moved")
        (tmp_path / "shop" / "theme" / "assets" / "site.css").unlink()
        wait_for(lambda: server.get("/_/theme/site.css").status_code == 404)
