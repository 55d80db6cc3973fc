"""What a developer reads: their own files and lines, from server, uplink and browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium

from tests.app_server.running import CallFailed, RunningServer, serve_app, write_files
from tests.app_server.uplinks import run_uplink

MAIN = """import anvil.server
from . import deep

@anvil.server.callable
def say():
    print("hello", 1)
    print("two\\nlines")

@anvil.server.callable
def fail():
    deep.deeper()

@anvil.server.callable
def ask_uplink():
    return anvil.server.call("on_uplink")

@anvil.server.route("/bad")
def bad():
    deep.deeper()
"""
DEEP = """def deeper():
    # a comment
    raise ValueError("too deep")
"""
HOME = """from ._anvil_designer import HomeTemplate
import anvil.server
from .. import shared

class Home(HomeTemplate):
    def __init__(self, **properties):
        self.init_components(**properties)
        shared.stumble()
"""
SHARED = """x = 1

def stumble():
    return undefined_name
"""
YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
startup: {type: form, module: Home}
"""
FILES: dict[str, str | bytes] = {
    "server_code/main.py": MAIN,
    "server_code/deep.py": DEEP,
    "client_code/Home/__init__.py": HOME,
    "client_code/Home/form_template.html": '<div anvil-name="x">Hi</div>',
    "client_code/shared.py": SHARED,
}
KEY = "uplink-key-of-logs"
SECONDS = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("logs")
    with serve_app(folder, FILES, f"--uplink-key={KEY}", anvil_yaml=YAML) as running:
        yield running


def wait_for(condition: Callable[[], bool], server: RunningServer) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "".join(server.log[-30:])
        time.sleep(0.05)


def entry(server: RunningServer, start: str) -> list[str]:
    """The log entry whose first line holds ``start``, with the lines that belong to it."""
    wait_for(lambda: any(start in line for line in server.log), server)
    time.sleep(0.1)
    index = next(i for i, line in enumerate(server.log) if start in line)
    lines = [server.log[index].partition(start)[2].strip()]
    for line in server.log[index + 1 :]:
        if not line.startswith("  "):
            break
        lines.append(line.strip())
    return lines


def test_what_server_code_prints(server: RunningServer):
    with server.browser() as browser:
        browser.call("say")
    assert entry(server, "[shop] hello") == ["1"]
    assert entry(server, "[shop] two") == [""] and entry(server, "[shop] lines") == [""]


def test_an_error_in_a_server_function(server: RunningServer):
    with server.browser() as browser, pytest.raises(CallFailed):
        browser.call("fail")
    assert entry(server, "ERROR [shop] fail: ") == [
        "ValueError: too deep",
        'shop/server_code/deep.py:3    raise ValueError("too deep")',
        "shop/server_code/main.py:11    deep.deeper()",
    ]


def test_an_error_in_a_route(server: RunningServer):
    assert server.get("/bad").status_code == 500
    assert entry(server, "ERROR [shop] route:/bad: ")[1:] == [
        'shop/server_code/deep.py:3    raise ValueError("too deep")',
        "shop/server_code/main.py:19    deep.deeper()",
    ]


def test_an_error_in_an_uplink(server: RunningServer):
    script = """
@anvil.server.callable
def on_uplink():
    raise RuntimeError("far away")
connect()
tell(1)
anvil.server.wait_forever()
"""
    with run_uplink(server.port, KEY, script) as uplink:
        uplink.hear()
        with server.browser() as browser, pytest.raises(CallFailed):
            browser.call("ask_uplink")
    lines = entry(server, "ERROR [shop] ask_uplink: ")
    assert lines[0] == "RuntimeError: far away" and lines[1].startswith("<string>:")
    assert lines[2:] == ['shop/server_code/main.py:15    return anvil.server.call("on_uplink")']


def test_what_a_browser_tells_cannot_pass_for_something_else(server: RunningServer):
    with server.browser() as browser:
        for message in (
            {"error": {"type": "X", "message": "a\n2026-01-01 ERROR forged", "trace": [["p", 1]]}},
            {"error": {"trace": [[1], None, ["shop/../../etc/passwd", 3], ["x" * 9999, 1]] * 99}},
            {"error": {"trace": "text", "url": {"a": 1}}},
            {"print": "printed\nin parts"},
            {"warning": "mind\nthis"},
        ):
            browser.socket.send(json.dumps({"type": "LOG", **message}))
        browser.call("say")
    assert entry(server, "in a browser: X: ")[:2] == ["a", "2026-01-01 ERROR forged"]
    assert entry(server, "in a browser: printed") == [""]
    assert entry(server, "in a browser: in parts") == [""]
    assert entry(server, "in a browser: mind") == ["", "this"]
    assert not any(line.startswith("2026-01-01") or len(line) > 9000 for line in server.log)


def test_an_error_in_the_browser(server: RunningServer, chromium: Chromium, runtime: None):
    page = chromium.new_page()
    page.goto(server.url)
    try:
        lines = entry(server, "WARNING [shop] in a browser: NameError")
    finally:
        page.close()
    assert "undefined_name" in lines[0]
    assert lines[1:] == [
        "shop/client_code/shared.py:4    return undefined_name",
        "shop/client_code/Home/__init__.py:8    shared.stumble()",
    ]


def test_python_that_is_none_is_told_at_once(tmp_path: Path):
    files = {**FILES, "server_code/deep.py": "def x(:\n    pass\n"}
    with serve_app(tmp_path, files, anvil_yaml=YAML) as server:
        path = tmp_path / "shop"
        expected = f"{path / 'server_code' / 'deep.py'}, line 1: invalid syntax"
        assert any(expected in line for line in server.log)
        with server.browser() as browser, pytest.raises(CallFailed) as failure:
            browser.call("say")
        assert failure.value.type == "SyntaxError"
        assert entry(server, "ERROR [shop] say: ")[1] == "shop/server_code/deep.py:1    def x(:"
        write_files(path, {"server_code/deep.py": DEEP, "client_code/shared.py": "if x\n"})
        expected = f"{path / 'client_code' / 'shared.py'}, line 1: "
        wait_for(lambda: any(expected in line for line in server.log), server)
        with server.browser() as browser:
            browser.call("say")


def test_an_app_that_cannot_be_loaded_says_why(tmp_path: Path):
    with serve_app(tmp_path, FILES, anvil_yaml=YAML) as server:
        html = {"Accept": "text/html"}
        path = tmp_path / "shop" / "anvil.yaml"
        for broken, reason in (
            ("a: [\n", "line 2, column 1 is not valid YAML"),
            (YAML + "dependencies: [{dep_id: ABC}]\n", "depends on ABC"),
        ):
            path.write_text(broken)
            wait_for(lambda: reason in server.get("/", headers=html).text, server)  # noqa: B023
            page = server.get("/", headers=html)
            assert page.status_code == 500 and "This app cannot be loaded" in page.text
            assert str(path) in page.text
            assert any("The changed app cannot be loaded" in line for line in server.log)
            with server.browser() as browser:
                browser.call("say")  # pages that are open go on with the version before
        path.write_text(YAML)
        wait_for(lambda: server.get("/", headers=html).status_code == 200, server)


def test_strangers_are_not_told_what_is_wrong(tmp_path: Path):
    with serve_app(tmp_path, FILES, "--origin=https://shop.example", anvil_yaml=YAML) as server:
        (tmp_path / "shop" / "anvil.yaml").write_text("a: [\n")
        wait_for(lambda: any("cannot be loaded" in line for line in server.log), server)
        page = server.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 200 and "cannot be loaded" not in page.text
