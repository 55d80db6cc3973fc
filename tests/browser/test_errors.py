"""Errors nobody catches: what a person sees, and what the server's log gets."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import MakeServer


def open_module(make_server: MakeServer, page: Page, source: str):  # type: ignore[no-untyped-def]
    server = make_server({"client_code/startup.py": source})
    page.goto(server.url)
    return server


def test_an_error_at_boot_says_so_with_the_traceback_folded(
    make_server: MakeServer, page: Page
) -> None:
    server = open_module(
        make_server,
        page,
        """
        def broken():
            return {}["tea"]

        broken()
        """,
    )
    dialog = page.get_by_role("alertdialog", name="Something went wrong")
    expect(dialog).to_contain_text("This page could not be started.")
    expect(dialog.get_by_role("button", name="Reload")).to_be_focused()
    details = dialog.locator("pre")
    expect(details).to_be_hidden()
    dialog.get_by_text("Details").click()
    expect(details).to_be_visible()
    text = details.text_content() or ""
    assert text.splitlines() == [
        "Traceback (most recent call last):",
        '  File "shop/startup.py", line 5',
        '  File "shop/startup.py", line 3',
        "KeyError: tea",
    ]
    page.wait_for_function("true")
    while not server.logs:
        page.evaluate("0")
    logged = server.logs[0]["error"]
    assert logged["type"] == "KeyError" and logged["trace"][0] == ["shop/startup.py", 3]


def test_an_error_in_a_handler_leaves_the_page_alive(make_server: MakeServer, page: Page) -> None:
    open_module(
        make_server,
        page,
        """
        from anvil import *
        class Home(ColumnPanel):
            def __init__(self):
                self.box = TextBox(text="typed")
                button = Button(text="Go")
                button.set_event_handler("click", self.go)
                self.add_component(self.box)
                self.add_component(button)
            def go(self, **event):
                1 / 0
        open_form(Home())
        """,
    )
    page.get_by_role("button", name="Go").click()
    dialog = page.get_by_role("alertdialog", name="Something went wrong")
    expect(dialog).to_contain_text("What you typed is still there")
    expect(dialog.locator("pre")).to_contain_text('File "shop/startup.py", line 11')
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_value("typed")


def test_the_app_s_own_handler_gets_the_error(make_server: MakeServer, page: Page) -> None:
    server = open_module(
        make_server,
        page,
        """
        from anvil import *
        from anvil.js import window
        def handle(error):
            alert(type(error).__name__ + " / " + str(error))
        set_default_error_handling(handle)
        button = Button(text="Go")
        def go(**event):
            raise ValueError("nothing left")
        button.set_event_handler("click", go)
        open_form(button)
        """,
    )
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("dialog")).to_contain_text("ValueError / nothing left")
    expect(page.get_by_text("Something went wrong")).to_have_count(0)
    while not server.logs:
        page.evaluate("0")
    assert server.logs[0]["error"]["message"] == "nothing left"


def test_an_app_without_a_start_says_what_to_do(make_server: MakeServer, page: Page) -> None:
    server = make_server({"client_code/other.py": ""}, yaml="")
    page.goto(server.url)
    expect(page.get_by_role("alertdialog")).to_contain_text("no startup form or module")


def test_a_syntax_error_names_its_file_and_line(make_server: MakeServer, page: Page) -> None:
    server = make_server(
        {"client_code/startup.py": "import shop.bad", "client_code/bad.py": "x = 1\ny = (\n"}
    )
    page.goto(server.url)
    page.get_by_text("Details").click()
    expect(page.locator("pre")).to_contain_text("shop/bad.py")
    expect(page.locator("pre")).to_contain_text("SyntaxError")


def test_without_javascript_the_page_says_what_it_needs(chromium, make_server: MakeServer) -> None:  # type: ignore[no-untyped-def]
    server = make_server({"client_code/startup.py": ""})
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator(".anvil-noscript")).to_be_visible()
    expect(page.locator("#anvil-splash")).to_be_hidden()
    context.close()


def test_a_part_that_cannot_be_fetched_is_told_and_fetched_later(
    make_server: MakeServer, page: Page
) -> None:
    server = make_server(
        {
            "client_code/startup.py": """
            from anvil.js import window
            for attempt in range(2):
                try:
                    import anvil.tables.query
                    window.outcome = "imported"
                except Exception as error:
                    window.outcome = "failed: " + str(error)
                    window.first = window.outcome
            """
        }
    )
    page.route("**/py-tables-*.js", lambda route: route.abort(), times=2)  # the preload, too
    page.goto(server.url)
    page.wait_for_function("window.outcome === 'imported'")
    assert page.evaluate("window.first").startswith("failed: ")
    assert "No module named" not in page.evaluate("window.first")


def test_prints_reach_the_server_gathered_and_bounded(make_server: MakeServer, page: Page) -> None:
    server = open_module(
        make_server,
        page,
        """
        print("one", 2)
        print("three")
        from anvil.js import window
        def flood():
            for i in range(1000):
                print("x" * 100)
        window.flood = flood
        """,
    )
    while not server.prints:
        page.evaluate("0")
    assert server.prints == ["one 2\nthree\n"]
    page.evaluate("flood()")
    while len(server.prints) == 1:
        page.evaluate("0")
    assert server.prints[1].endswith("…\n") and len(server.prints[1]) < 1_000
