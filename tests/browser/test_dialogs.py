"""alert, confirm, Notification and the loading indicator, by keyboard and by pointer."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import MakeServer
from tests.browser.stub_server import StubServer, answer


def open_module(make_server: MakeServer, page: Page, source: str) -> StubServer:
    server = make_server({"client_code/startup.py": source})
    server.functions["slow"] = lambda call: answer(None)
    page.goto(server.url)
    return server


def said(page: Page) -> list[str]:
    return list(page.evaluate("window.said || []"))


SAY = """
        from anvil import *
        from anvil.js import window
        window.said = []
        def say(*values):
            window.said.push(" ".join(repr(value) for value in values))
"""


def test_alert_waits_and_gives_the_button_s_value(make_server: MakeServer, page: Page) -> None:
    open_module(
        make_server,
        page,
        SAY
        + """
        say(alert("First line\\nsecond", title="Look <b>"))
        buttons = [("Tea", 1), ("Coffee", [2], "danger"), "Milk", ("None", None)]
        say(alert("Choose", buttons=buttons))
        """,
    )
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name("Look <b>")
    expect(dialog).to_contain_text("First line\nsecond")
    expect(dialog.get_by_role("button", name="OK")).to_be_focused()
    assert said(page) == []
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Coffee").click()
    page.wait_for_function("window.said.length === 2")
    assert said(page) == ["True", "[2]"]
    expect(dialog).to_have_count(0)


def test_escape_and_the_page_beside_dismiss_an_alert_only(
    make_server: MakeServer, page: Page
) -> None:
    open_module(
        make_server,
        page,
        SAY
        + """
        say(alert("a", title="A"))
        say(alert("b"))
        say(alert("c", title="C"))
        say(alert("d", dismissible=False))
        say(confirm("e"))
        """,
    )
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name("A")
    page.keyboard.press("Escape")
    expect(dialog).to_contain_text("b")
    page.mouse.click(5, 5)
    expect(dialog).to_contain_text("c")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_contain_text("d")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    expect(dialog).to_contain_text("d")
    dialog.get_by_role("button", name="OK").click()
    expect(dialog).to_contain_text("e")
    dialog.get_by_role("button", name="Cancel").click()
    page.wait_for_function("window.said.length === 5")
    assert said(page) == ["None", "None", "None", "True", "False"]


def test_focus_stays_in_the_dialog_and_goes_back(make_server: MakeServer, page: Page) -> None:
    open_module(
        make_server,
        page,
        SAY
        + """
        from anvil.js import window
        button = window.document.createElement("button")
        button.textContent = "Open"
        button.onclick = lambda event: say(confirm("Sure?", title="Delete"))
        window.document.getElementById("appGoesHere").append(button)
        """,
    )
    opener = page.get_by_role("button", name="Open")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Delete")).to_be_visible()
    seen = set()
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.textContent"))
    assert "Open" not in seen and {"Cancel", "OK"} <= seen
    page.get_by_role("button", name="OK").click()
    expect(opener).to_be_focused()
    assert said(page) == ["True"]


def test_an_alert_shows_a_component_and_closes_by_its_event(
    make_server: MakeServer, page: Page
) -> None:
    open_module(
        make_server,
        page,
        SAY
        + """
        box = TextBox(placeholder="name")
        events = []
        box.add_event_handler("show", lambda **event: events.append("show"))
        box.add_event_handler("hide", lambda **event: events.append("hide"))
        close = lambda **event: box.raise_event("x-close-alert", value=box.text)
        box.add_event_handler("pressed_enter", close)
        say(alert(box, title="Who?", buttons=[]))
        say(alert(content=box, large=True))
        say(*events)
        """,
    )
    page.get_by_placeholder("name").fill("zoe")
    page.keyboard.press("Enter")
    page.wait_for_function("window.said.length === 1")
    page.get_by_role("button", name="OK").click()
    page.wait_for_function("window.said.length === 3")
    assert said(page) == ["'zoe'", "True", "'show' 'hide' 'show' 'hide'"]


def test_wrong_arguments_are_told(make_server: MakeServer, page: Page) -> None:
    open_module(
        make_server,
        page,
        SAY
        + """
        wrong = [(("a",), {"titel": "b"}), (("a", "b"), {}), (("a",), {"buttons": [3]})]
        for args, kwargs in wrong:
            try:
                alert(*args, **kwargs)
            except TypeError as error:
                say(str(error))
        """,
    )
    page.wait_for_function("window.said && window.said.length === 3")
    assert "unexpected keyword argument 'titel'" in said(page)[0]
    assert "takes 1 positional argument" in said(page)[1]
    assert "each of buttons" in said(page)[2]


def test_notifications_go_by_themselves_or_with_their_block(
    make_server: MakeServer, page: Page
) -> None:
    open_module(
        make_server,
        page,
        SAY
        + """
        Notification("Saved", title="Contact", style="success", timeout=0.5).show()
        kept = Notification("Careful", style="warning", timeout=None)
        kept.show()
        import anvil.server
        with Notification("Sending"):
            anvil.server.call("slow")
        say("sent")
        """,
    )
    page.wait_for_function("window.said && window.said.length === 1")
    status = page.get_by_role("status").filter(has_text="Contact")
    expect(page.get_by_text("Sending")).to_have_count(0)
    expect(page.get_by_role("alert")).to_contain_text("Careful")
    expect(status).to_have_count(0)
    page.get_by_role("alert").get_by_role("button", name="Close").click()
    expect(page.get_by_text("Careful")).to_have_count(0)


def test_loading_indicator_shows_for_slow_calls_only(make_server: MakeServer, page: Page) -> None:
    server = make_server(
        {
            "client_code/startup.py": """
            import anvil.server
            from anvil.js import window
            async_note = []
            def go(event):
                anvil.server.call("wait")
            def quiet(event):
                with anvil.server.no_loading_indicator:
                    anvil.server.call("wait")
            def quiet_too(event):
                anvil.server.call_s("wait")
            window.go, window.quiet, window.quiet_too = go, quiet, quiet_too
            window.ready = True
            """
        }
    )
    server.silent.add("wait")
    page.goto(server.url)
    page.wait_for_function("window.ready")
    bar = page.get_by_role("progressbar", name="Loading")
    page.evaluate("quiet(null), null")
    page.evaluate("quiet_too(null), null")
    page.evaluate("new Promise(done => setTimeout(done, 500))")
    expect(bar).to_have_count(0)
    page.reload()
    page.wait_for_function("window.ready")
    page.evaluate("go(null), null")
    expect(bar).to_be_visible()
    server.drop_sockets()
    expect(bar).to_be_hidden()
