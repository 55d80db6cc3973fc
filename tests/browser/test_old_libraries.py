"""jQuery, Bootstrap 3 and Font Awesome 4: with old apps, or when asked for; else not at all."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import MakeServer

STARTUP = "from anvil import *\nopen_form(LinearPanel())\n"
LIBRARIES = ("/jquery-", "/bootstrap-", "/icons-", "/moment-")


def open_and_list(make_server: MakeServer, page: Page, files: dict[str, str]) -> list[str]:
    """Which of the libraries the page of an app loaded."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(make_server({"client_code/startup.py": STARTUP, **files}).url)
    page.wait_for_selector("#anvil-splash", state="detached")
    return [name for name in LIBRARIES if any(name in url for url in asked)]


def test_an_app_of_today_loads_none_until_a_script_asks(
    make_server: MakeServer, page: Page
) -> None:
    files = {"theme/assets/theme.css": "body { color: #123456 }"}
    assert open_and_list(make_server, page, files) == []
    assert page.evaluate("$('body').css('color')") == "rgb(18, 52, 86)"
    assert page.evaluate("jQuery === $ && $.fn.jquery") == "3.7.1"
    assert page.evaluate("moment('2026-03-01').format('D MMMM')") == "1 March"


def test_a_library_that_the_app_brings_itself_is_left_alone(
    make_server: MakeServer, page: Page
) -> None:
    head = 'native_deps: {head_html: "<script>window.moment = () => 7</script>"}\n'
    yaml = "startup: {type: module, module: startup}\n" + head
    page.goto(make_server({"client_code/startup.py": STARTUP}, yaml=yaml).url)
    page.wait_for_selector("#anvil-splash", state="detached")
    assert page.evaluate("moment()") == 7
    page.evaluate("window.$ = 'mine'")
    assert page.evaluate("$") == "mine"


@pytest.mark.parametrize(
    ("name", "content", "loaded"),
    [
        ("page.html", "<script>$('.bar').hide()</script>", ["/jquery-"]),
        ("page.html", '<i class="fa fa-bars"></i>', ["/icons-"]),
        ("tool.js", "var f = q$('a'), g = $1('b');", []),
    ],
)
def test_what_the_theme_mentions_comes_with_the_page(
    make_server: MakeServer, page: Page, name: str, content: str, loaded: list[str]
) -> None:
    assert open_and_list(make_server, page, {f"theme/assets/{name}": content}) == loaded


@pytest.mark.parametrize(
    ("css", "is_light"),
    [
        (None, False),
        ("body { color: red }", True),
        ("@media (prefers-color-scheme: dark) { body { color: red } }", False),
    ],
)
def test_a_theme_without_a_dark_scheme_stays_light(
    make_server: MakeServer, page: Page, css: str | None, is_light: bool
) -> None:
    page.emulate_media(color_scheme="dark")
    files = {} if css is None else {"theme/assets/theme.css": css}
    open_and_list(make_server, page, files)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == is_light
