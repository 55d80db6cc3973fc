"""`anvil.app`, the address's hash, and forms that a route opens with arguments."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from app_server.http.startup import PageStart
from tests.browser.conftest import MakeServer, RunModule


def test_the_address_s_hash_is_read_and_set(run_module: RunModule, page: Page) -> None:
    lines = run_module(
        """
        import anvil
        print(repr(anvil.get_url_hash()))
        anvil.set_url_hash("tea/3")
        print(anvil.get_url_hash())
        anvil.set_url_hash({"a": "x y", "b": "1&2"})
        print(anvil.get_url_hash())
        app = anvil.app
        print(anvil.is_server_side(), app.id, app.package_name, app.environment.name)
        """
    )
    assert lines == ["''", "tea/3", "{'a': 'x y', 'b': '1&2'}", "False STUB shop stub"]
    assert page.url.endswith("#?a=x+y&b=1%262")


def test_a_route_opens_a_form_with_its_arguments(make_server: MakeServer, page: Page) -> None:
    server = make_server(
        {
            "client_code/areas/Home/__init__.py": """
            import anvil.server
            from anvil import get_open_form
            from ._anvil_designer import HomeTemplate
            class Home(HomeTemplate):
                def __init__(self, name, when=None, **properties):
                    self.init_components(**properties)
                    data = anvil.server.startup_data
                    self.label.text = "{} {} {}".format(name, when, data["left"])
                def form_show(self, **event):
                    self.label.text += " shown" if get_open_form() is self else " elsewhere"
            """,
            "client_code/areas/Home/form_template.html": """
            <anvil-form container="ColumnPanel" on:show="self.form_show">
            <anvil-component type="Label" name="label"></anvil-component>
            </anvil-form>
            """,
        },
        yaml="",
    )
    day = {"path": ["kwargs", "when"], "type": ["Date"], "value": "2026-03-01"}
    server.start = PageStart(
        form="shop.areas.Home",
        message={
            "args": ["tea"],
            "kwargs": {"when": None},
            "data": {"left": 3},
            "objects": [day],
            "media": {},
        },
    )
    page.goto(server.url + "/app/some/deep/path")
    expect(page.get_by_text("tea 2026-03-01 3 shown")).to_be_visible()
    expect(page.locator("#anvil-splash")).to_have_count(0)


def test_an_unknown_form_is_named(make_server: MakeServer, page: Page) -> None:
    server = make_server({"client_code/startup.py": ""}, yaml="")
    server.start = PageStart(form="Nowhere")
    page.goto(server.url)
    expect(page.locator("pre")).to_contain_text("This app has no form or module called 'Nowhere'")
