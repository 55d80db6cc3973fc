"""One page for all tests of a module, on which each test runs some Python."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.conftest import ANVIL_YAML, write_files
from tests.browser.stub_server import StubServer

STARTUP = """
import anvil
import anvil.js
from anvil import *

names = {}

def panel():
    return names["panel"]

def run(code):
    try:
        exec(code, names)
    except BaseException as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}
    return {"result": names.get("result")}

def begin():
    names.clear()
    exec("import anvil, anvil.js, anvil.server, datetime\\nfrom anvil import *", names)
    names["panel"] = LinearPanel()
    names["printed"] = []
    names["result"] = None
    open_form(names["panel"])

anvil.js.window.runPython = run
anvil.js.window.beginPython = begin
begin()
"""


class Playground:
    """``run`` runs Python on the page, where ``panel`` is the open form, a LinearPanel; what the
    code names ``result`` is given back as JSON-like data. ``errors`` are what nobody caught."""

    def __init__(self, page: Page, server: StubServer):
        self.page = page
        self.server = server
        self.errors: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def begin(self) -> None:
        self.errors.clear()
        self.page.evaluate("async () => { await beginPython(); }")

    def run(self, code: str) -> Any:
        outcome = self.page.evaluate(
            "async (code) => await runPython(code)",
            "result = None\n" + textwrap.dedent(code),
        )
        assert "error" not in outcome, outcome["error"]
        return outcome["result"]

    def fails(self, code: str) -> str:
        """``Type: message`` of the error that the code raises."""
        return str(
            self.run(
                "try:\n"
                + textwrap.indent(textwrap.dedent(code).strip("\n"), "    ")
                + "\nexcept BaseException as e:\n"
                + "    result = '%s: %s' % (type(e).__name__, e)\n"
                + "else:\n    raise Exception('nothing was raised')\n"
            )
        )

    def find(self, selector: str) -> Locator:
        return self.page.locator("#appGoesHere").locator(selector)


@pytest.fixture(scope="module")
def shared_playground(
    runtime: None, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Playground]:
    folder = tmp_path_factory.mktemp("playground") / "shop"
    files = {
        "anvil.yaml": ANVIL_YAML + "startup: {type: module, module: startup}\n",
        "client_code/startup.py": STARTUP,
    }
    write_files(folder, files)
    with StubServer(folder) as server:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(server.url)
        page.wait_for_function("() => window.beginPython")
        yield Playground(page, server)
        context.close()


@pytest.fixture
def play(shared_playground: Playground) -> Iterator[Playground]:
    """The module's page with an empty form; a test fails if an error was left uncaught on it."""
    shared_playground.begin()
    yield shared_playground
    assert shared_playground.errors == []
