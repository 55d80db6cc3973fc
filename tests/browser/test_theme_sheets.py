"""The style sheets of an app and its dependencies, as the page brings them."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import MakeServer

THEME = {
    "anvil.yaml": "package_name: looks\nname: Looks\nruntime_options: {version: 3}\n",
    "theme/parameters.yaml": "color_scheme: {colors: [{name: Tea, color: '#112233'}]}\n",
    "theme/assets/theme.css": "@import '_/theme/looks/button.css';\nb { color: %color:Tea%; }",
    "theme/assets/looks/button.css": "button { color: rgb(1, 2, 3); }",
}
APP = {
    "client_code/startup.py": """
        from anvil.js.window import document
        document.body.innerHTML = "<b>Tea</b><button>Pour</button><i>Hot</i>"
        """,
    "theme/assets/theme.css": "@import url('_/theme/own.css');\n/* </style> */",
    "theme/assets/own.css": "i { color: rgb(4, 5, 6); }",
}


def test_imports_of_every_style_sheet_count(make_server: MakeServer, page: Page) -> None:
    yaml = "startup: {type: module, module: startup}\ndependencies: [{dep_id: DEPLOOKS}]\n"
    server = make_server(APP, dependencies={"looks": THEME}, yaml=yaml)
    page.goto(server.url)
    expect(page.locator("button")).to_have_css("color", "rgb(1, 2, 3)")
    expect(page.locator("i")).to_have_css("color", "rgb(4, 5, 6)")
    expect(page.locator("b")).to_have_css("color", "rgb(17, 34, 51)")
