"""Larger apps come compiled by the server; what does not compile comes as its source."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app_server.http import compiled
from tests.browser.conftest import MakeServer
from tests.browser.stub_server import StubServer

FILLING = "\n".join(f"def unused_{n}():\n    return {n} * 2" for n in range(600))
FILES = {
    "client_code/startup.py": """
        from anvil.js import window
        from .areas.tea import NAME
        window.outcome = NAME
        """,
    "client_code/areas/__init__.py": "",
    "client_code/areas/tea.py": f"NAME = 'green'\n{FILLING}",
    "client_code/areas/bad.py": "x = 1\ny = (\n",
    "server_code/till.py": "TILL_KEY = 'server-only-marker'",
}


@pytest.fixture(autouse=True)
def compiled_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path / "compiled")
    monkeypatch.setattr(compiled, "_failed", set())
    return tmp_path / "compiled"


def boot_data(server: StubServer) -> dict:  # type: ignore[type-arg]
    page = urllib.request.urlopen(server.url).read().decode()
    return json.loads(re.search(r'id="anvil-boot">(.*?)</script>', page)[1])  # type: ignore


def code_urls(server: StubServer) -> list[str]:
    """Addresses of the app's compiled code on its page."""
    page = urllib.request.urlopen(server.url).read().decode()
    return re.findall(r'<script defer src="(_/code/[^"]+)">', page)


def compile_now(server: StubServer) -> None:
    future = compiled.start_compiling(server.app)
    assert future is not None and future.result(60)


def count_compilations(page: Page) -> None:
    page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
            window.compiled = 0;
            const compile = Sk.compile;
            Sk.compile = (...args) => { window.compiled += 1; return compile(...args); };
        }, {once: true});"""
    )


def test_the_page_runs_what_the_server_compiled(make_server: MakeServer, page: Page) -> None:
    server = make_server(FILES)
    compile_now(server)
    data = boot_data(server)
    assert data["appUrl"].startswith(f"_/app/{server.app.version}-")
    count_compilations(page)
    page.goto(server.url)
    page.wait_for_function("window.outcome === 'green'")
    assert page.evaluate("window.compiled") == 0
    assert code_urls(server)
    for url in [data["appUrl"], *code_urls(server)]:
        body = urllib.request.urlopen(f"{server.url}/{url}").read()
        assert b"server-only-marker" not in body and b"def unused" not in body


def test_pages_have_the_sources_until_then(
    make_server: MakeServer, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app_server.http.compiled.shutil.which", lambda name: None)
    server = make_server(FILES)
    assert code_urls(server) == []
    page.goto(server.url)
    page.wait_for_function("window.outcome === 'green'")


def test_a_module_that_does_not_compile_names_its_line(make_server: MakeServer, page: Page) -> None:
    server = make_server({**FILES, "client_code/startup.py": "import shop.areas.bad"})
    compile_now(server)
    page.goto(server.url)
    page.get_by_text("Details").click()
    expect(page.locator("pre")).to_contain_text("shop/areas/bad.py")
    assert code_urls(server) != []


def test_a_change_makes_new_names_and_others_stay(
    make_server: MakeServer, compiled_folder: Path
) -> None:
    server = make_server(FILES)
    compile_now(server)
    before = {path.name for path in (compiled_folder / "modules").iterdir()}
    changed = make_server({**FILES, "client_code/areas/__init__.py": "CHANGED = True"})
    compile_now(changed)
    after = {path.name for path in (compiled_folder / "modules").iterdir()}
    assert before < after and len(after - before) == 1
    assert {*code_urls(server)} & {*code_urls(changed)} == set()


FORMS = {
    "client_code/First/__init__.py": f"""
from ._anvil_designer import FirstTemplate
import anvil


class First(FirstTemplate):
    def go_on(self, **event_args):
        anvil.open_form("Second")


{FILLING}
""",
    "client_code/First/form_template.html": """
        <anvil-form container="LinearPanel">
          <anvil-component type="Button" name="button" prop:text="Go on" on:click="self.go_on">
          </anvil-component>
        </anvil-form>
        """,
    "client_code/Second/__init__.py": f"""
from ._anvil_designer import SecondTemplate
from ..depth import text


class Second(SecondTemplate):
    def __init__(self, **properties):
        from ..width import text as more
        self.init_components(**properties)
        self.label.text = text() + more()


{FILLING}
""",
    "client_code/Second/form_template.html": """
        <anvil-form container="LinearPanel">
          <anvil-component type="Label" name="label"></anvil-component>
        </anvil-form>
        """,
    "client_code/depth.py": f"import json\ndef text():\n    return json.dumps([1])\n{FILLING}",
    "client_code/width.py": f"def text():\n    return ' and more'\n{FILLING}",
}
FORM_START = "startup: {type: form, module: First}\n"


def test_a_page_loads_what_its_first_form_needs(make_server: MakeServer, page: Page) -> None:
    server = make_server(FORMS, yaml=FORM_START)
    compile_now(server)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(server.url)))
    page.goto(server.url)
    button = page.get_by_role("button", name="Go on")
    expect(button).to_be_visible()
    scripts = " ".join(load(server, url) for url in asked if "/_/code/" in url)
    assert "shop/First" in scripts and "shop/Second" not in scripts and "shop/depth" not in scripts

    before = len(asked)
    button.click()
    expect(page.get_by_text("[1] and more")).to_be_visible()
    later = asked[before:]
    scripts = " ".join(load(server, url) for url in later if "/_/code/" in url)
    assert "shop/Second" in scripts and "shop/depth" in scripts and "shop/width" in scripts
    assert any("py-texts" in url for url in later)  # json


def test_a_part_that_did_not_come_is_asked_for_again(make_server: MakeServer, page: Page) -> None:
    server = make_server(FORMS, yaml=FORM_START)
    compile_now(server)
    page.goto(server.url)
    button = page.get_by_role("button", name="Go on")
    expect(button).to_be_visible()
    page.route("**/_/code/**", lambda route: route.abort())
    button.click()
    expect(page.locator(".anvil-error")).to_contain_text("could not be loaded")
    page.unroute("**/_/code/**")
    page.keyboard.press("Escape")
    button.click()
    expect(page.get_by_text("[1] and more")).to_be_visible()


def load(server: StubServer, url: str) -> str:
    return urllib.request.urlopen(f"{server.url}/{url.lstrip('/')}").read().decode()


def test_other_apps_code_is_not_given_out(make_server: MakeServer, compiled_folder: Path) -> None:
    server = make_server(FILES)
    compile_now(server)
    (compiled_folder / "shop-0-000000000000.js").write_text("")
    for name in ["shop-0-000000000000.js", "modules", "..%2fmanifest.json"]:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{server.url}/_/code/{name}")
