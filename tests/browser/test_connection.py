"""What happens when the connection, or the session, is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import MakeServer
from tests.browser.stub_server import StubServer, answer, failure

SOURCE = """
import anvil.server
from anvil.js import window
window.said = []

def call(name):
    try:
        window.said.push(str(anvil.server.call(name)))
    except anvil.server.AppOfflineError as error:
        window.said.push("offline: " + str(error))

def call_uncaught(name):
    anvil.server.call(name)

window.call = call
window.call_uncaught = anvil.js.report_exceptions(call_uncaught)
window.ready = True
"""


def open_page(make_server: MakeServer, page: Page) -> StubServer:
    server = make_server({"client_code/startup.py": SOURCE})
    server.functions["hello"] = lambda call: answer("hello")
    server.silent.add("never")
    page.goto(server.url)
    page.wait_for_function("window.ready")
    return server


def test_calls_on_their_way_fail_when_the_connection_drops(
    make_server: MakeServer, page: Page
) -> None:
    server = open_page(make_server, page)
    page.evaluate("call('hello')")
    page.evaluate("void call('never')")
    page.wait_for_function("window.said.length === 1")
    while "never" not in server.call_names():
        page.evaluate("0")
    server.drop_sockets()
    page.wait_for_function("window.said.length === 2")
    assert page.evaluate("window.said[1]").startswith("offline: The connection to the server")
    page.evaluate("call('hello')")
    assert page.evaluate("window.said[2]") == "hello"


def test_a_lost_connection_is_shown_retried_and_back(make_server: MakeServer, page: Page) -> None:
    server = open_page(make_server, page)
    page.evaluate("call('hello')")
    server.refuses_sockets = True
    server.drop_sockets()
    bar = page.get_by_role("status").filter(has_text="connection to the server is lost")
    expect(bar).to_be_visible()
    expect(bar).to_contain_text("Retrying")
    page.evaluate("call('hello')")
    assert page.evaluate("window.said[1]").startswith("offline: Connection to server failed")
    server.refuses_sockets = False
    bar.get_by_role("button", name="Try now").click()
    expect(page.get_by_text("Connected again.")).to_be_visible()
    page.evaluate("call('hello')")
    assert page.evaluate("window.said[2]") == "hello"
    expect(page.get_by_text("Connected again.")).to_be_hidden()


def test_it_comes_back_by_itself(make_server: MakeServer, page: Page) -> None:
    server = open_page(make_server, page)
    page.evaluate("call('hello')")
    server.refuses_sockets = True
    server.drop_sockets()
    expect(page.get_by_text("The connection to the server is lost")).to_be_visible()
    server.refuses_sockets = False
    expect(page.get_by_text("Connected again.")).to_be_visible()


def test_an_uncaught_offline_error_is_a_calm_notice(make_server: MakeServer, page: Page) -> None:
    server = open_page(make_server, page)
    server.refuses_sockets = True
    server.drop_sockets()
    page.evaluate("void call_uncaught('hello')")
    told = page.get_by_text("What you just did has not reached the server").or_(
        page.get_by_text("The connection to the server is lost")
    )
    expect(told.first).to_be_visible()
    expect(page.get_by_text("Something went wrong")).to_have_count(0)


def test_an_expired_session_offers_to_reload_and_keeps_what_was_typed(
    make_server: MakeServer, page: Page
) -> None:
    server = open_page(make_server, page)
    expired = failure("anvil.server.SessionExpiredError", "Session expired")
    server.functions["hello"] = lambda call: dict(expired)
    page.evaluate("document.body.append(document.createElement('textarea'))")
    page.locator("textarea").fill("half a letter")
    page.evaluate("void call_uncaught('hello')")
    dialog = page.get_by_role("alertdialog", name="Your session has expired")
    expect(dialog.get_by_role("button", name="Reload")).to_be_focused()
    dialog.get_by_role("button", name="Stay here").click()
    expect(page.locator("textarea")).to_have_value("half a letter")
    page.evaluate("void call_uncaught('hello')")
    with page.expect_navigation():
        dialog.get_by_role("button", name="Reload").click()


def test_calls_go_one_after_the_other(make_server: MakeServer, page: Page) -> None:
    server = open_page(make_server, page)
    order: list[str] = []
    for name in ["one", "two", "three"]:
        server.functions[name] = lambda call, name=name: order.append(name) or answer(name)
    page.evaluate("Promise.all([call('one'), call('two'), call('three')])")
    assert page.evaluate("window.said") == ["one", "two", "three"] == order


def test_events_of_the_server_reach_their_handlers(make_server: MakeServer, page: Page) -> None:
    server = make_server(
        {
            "client_code/startup.py": """
            import anvil.server
            from anvil.js import window

            @anvil.server.event_handler("stock")
            def show(payload):
                window.stock = payload["left"]

            anvil.server.call("hello")
            window.ready = True
            """
        }
    )
    server.functions["hello"] = lambda call: answer(None)
    page.goto(server.url)
    page.wait_for_function("window.ready")
    server.send({"id": "e1", "event": {"name": "stock", "payload": {"left": 3}}, "objects": []})
    page.wait_for_function("window.stock === 3")


def wait_for(page: Page, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        page.evaluate("0")


def test_a_server_that_takes_leave_is_left_unnoticed(make_server: MakeServer, page: Page) -> None:
    """What is on its way is answered over the old connection; what comes then goes over a new one,
    and nobody is told anything."""
    server = open_page(make_server, page)
    server.silent.add("slow")
    page.evaluate("call('hello')")
    page.evaluate("void call('slow')")
    wait_for(page, lambda: "slow" in server.call_names())
    server.send({"type": "RECONNECT"})
    wait_for(page, lambda: server.open_sockets == 2)
    server.send({"id": server.calls[-1]["id"], "response": "slowly", "objects": []})
    page.wait_for_function("window.said.length === 2")
    wait_for(page, lambda: server.open_sockets == 1)
    page.evaluate("call('hello')")
    assert page.evaluate("window.said") == ["hello", "slowly", "hello"]
    assert not page.get_by_text("The connection to the server is lost").count()


def test_a_restart_is_not_shown(make_server: MakeServer, page: Page) -> None:
    server = open_page(make_server, page)
    page.evaluate("call('hello')")
    page.evaluate("""new MutationObserver(() => {
      if (document.body.innerText.includes("is lost")) window.shown = true;
    }).observe(document.body, { childList: true, subtree: true, characterData: true })""")
    server.drop_sockets(1012)
    wait_for(page, lambda: server.open_sockets == 1)
    page.evaluate("call('hello')")
    assert page.evaluate("window.said[1]") == "hello"
    assert page.evaluate("window.shown") is None


def test_a_call_does_not_wait_for_the_answer_to_another(
    make_server: MakeServer, page: Page
) -> None:
    """A page that was left while its data was on the way keeps no other page's from coming."""
    server = make_server(
        {
            "client_code/startup.py": """
            import anvil.server
            from anvil.js import window
            def ask(name):
                window.answers.push(anvil.server.call_s(name))
            window.answers = []
            window.ask = ask
            """
        }
    )
    server.silent.add("slow")
    server.functions["quick"] = lambda call: answer(call["command"])
    page.goto(server.url)
    page.wait_for_function("() => window.ask")
    page.evaluate("() => { ask('slow'); ask('quick'); ask('slow'); ask('quick') }")
    page.wait_for_function("() => answers.length === 2")
    assert server.call_names() == ["slow", "quick", "slow", "quick"]
