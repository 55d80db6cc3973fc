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
    assert data["appUrl"] == f"_/app/{server.app.version}.json"
    count_compilations(page)
    page.goto(server.url)
    page.wait_for_function("window.outcome === 'green'")
    assert page.evaluate("window.compiled") == 0
    for url in [data["appUrl"], *data["codeUrls"]]:
        body = urllib.request.urlopen(f"{server.url}/{url}").read()
        assert b"server-only-marker" not in body and b"def unused" not in body


def test_pages_have_the_sources_until_then(
    make_server: MakeServer, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app_server.http.compiled.shutil.which", lambda name: None)
    server = make_server(FILES)
    assert boot_data(server)["codeUrls"] == []
    page.goto(server.url)
    page.wait_for_function("window.outcome === 'green'")


def test_a_module_that_does_not_compile_names_its_line(make_server: MakeServer, page: Page) -> None:
    server = make_server({**FILES, "client_code/startup.py": "import shop.areas.bad"})
    compile_now(server)
    page.goto(server.url)
    page.get_by_text("Details").click()
    expect(page.locator("pre")).to_contain_text("shop/areas/bad.py")
    assert boot_data(server)["codeUrls"] != []


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
    names = [compiled.compiled_packages(one.app)[0].file for one in (server, changed)]
    assert names[0] != names[1]


def test_other_apps_code_is_not_given_out(make_server: MakeServer, compiled_folder: Path) -> None:
    server = make_server(FILES)
    compile_now(server)
    (compiled_folder / "shop-000000000000.json").write_text("{}")
    for name in ["shop-000000000000.json", "modules", "..%2fmanifest.json"]:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{server.url}/_/code/{name}")
