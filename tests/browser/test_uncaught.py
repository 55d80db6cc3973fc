"""Errors that nobody catches, in code that JavaScript calls."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import MakeServer
from tests.browser.stub_server import answer

FAILING = """
import anvil.js, anvil.server
from anvil.js import window

def fail(*event):
    raise ValueError("no tea")

def fail_after_a_call(*event):
    anvil.server.call("wait")
    raise KeyError("no cup")

def listen():
    window.document.body.addEventListener("click", fail)

window.ways = {
    "listener": lambda: (listen(), window.document.body.click()) and None,
    "timer": lambda: window.setTimeout(fail, 1) and None,
    "waiting": lambda: window.setTimeout(fail_after_a_call, 1) and None,
    "promise": lambda: window.Function("f", "Promise.resolve(1).then(f)")(fail),
    "script": window.Function("setTimeout(() => { throw new TypeError('no spoon'); }, 1)"),
}
"""
HANDLED = """
def handle(error):
    window.handled = "%s: %s" % (type(error).__name__, error.args[0])

anvil.set_default_error_handling(handle)
"""
WAYS = {
    "listener": "no tea",
    "timer": "no tea",
    "waiting": "no cup",
    "promise": "no tea",
    "script": "no spoon",
}


def open_page(make_server: MakeServer, page: Page, code: str) -> list[dict[str, object]]:
    server = make_server({"client_code/startup.py": "import anvil\n" + code + "print('done')\n"})
    server.functions["wait"] = lambda _call: answer(None)
    with page.expect_console_message(lambda message: message.text == "done"):
        page.goto(server.url)
    return server.logs


@pytest.mark.parametrize("way", WAYS)
def test_the_page_and_the_log_tell(make_server: MakeServer, page: Page, way: str) -> None:
    logs = open_page(make_server, page, FAILING)
    page.evaluate("(way) => void ways[way]()", way)
    panel = page.locator(".anvil-error")
    expect(panel).to_have_count(1)
    expect(panel.locator("pre")).to_contain_text(WAYS[way])
    page.wait_for_function("() => !document.querySelector('#anvil-splash')")
    for _ in range(200):
        if logs:
            break
        page.wait_for_timeout(50)  # it goes on its way as the panel shows
    told = [str(log["error"]) for log in logs]
    assert len(told) == 1 and WAYS[way] in told[0]


@pytest.mark.parametrize("way", WAYS)
def test_the_apps_own_handler_gets_them(make_server: MakeServer, page: Page, way: str) -> None:
    open_page(make_server, page, FAILING + HANDLED)
    page.evaluate("(way) => void ways[way]()", way)
    page.wait_for_function("() => window.handled")
    assert WAYS[way] in page.evaluate("handled")
    expect(page.locator(".anvil-error")).to_have_count(0)


def test_what_tells_nothing_is_left_alone(make_server: MakeServer, page: Page) -> None:
    logs = open_page(make_server, page, FAILING)
    page.evaluate(
        """() => {
          const report = (init) => dispatchEvent(new ErrorEvent("error", init));
          report({message: "Script error."});
          report({message: "ResizeObserver loop completed with undelivered notifications.",
                  lineno: 1});
        }"""
    )
    expect(page.locator(".anvil-error")).to_have_count(0)
    assert logs == []
