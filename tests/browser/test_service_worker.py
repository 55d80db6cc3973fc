"""A second visit takes what never changes from the device; what is private is never kept there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from scripts.benchmarks.relay import Relay, relay
from tests.app_server.running import RunningServer, serve_app, write_files

FILLING = "\n".join(f"def unused_{n}():\n    return {n} * 2" for n in range(600))
HOME = f"""
from ._anvil_designer import HomeTemplate
import anvil.server


class Home(HomeTemplate):
    def __init__(self, **properties):
        self.init_components(**properties)
        self.label.text = anvil.server.call("greet")


{FILLING}
"""
FILES: dict[str, str | bytes] = {
    "client_code/Home/__init__.py": HOME,
    "client_code/Home/form_template.html": """
        <anvil-form container="LinearPanel">
          <anvil-component type="Label" name="label"></anvil-component>
        </anvil-form>""",
    "server_code/main.py": """
import anvil.server

@anvil.server.callable
def greet():
    return "Good morning"
""",
    "theme/assets/brand.css": "body { --brand: 1px; background: url(tea.svg) }",
    "theme/assets/tea.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
}
YAML = """
package_name: shop
name: Corner shop
runtime_options: {version: 3, server_persist: true}
startup: {type: form, module: Home}
native_deps:
  head_html: |
    <link rel="stylesheet" href="_/theme/brand.css">
"""
LIST_KEPT = """async () => {
    const cache = await caches.open("anvil-files-1");
    return (await cache.keys()).map((request) => new URL(request.url).pathname);
}"""
#: Wait until all the files that the page loaded are kept.
KEEP_ALL = """async () => {
    const isFile = /\\/_\\/(runtime|code|app)\\/|\\/_\\/theme\\/@/;
    for (let tries = 0; tries < 400; tries += 1) {
        const cache = await caches.open("anvil-files-1");
        const kept = new Set((await cache.keys()).map((request) => request.url));
        const loaded = performance.getEntriesByType("resource").map((one) => one.name);
        const files = loaded.filter((url) => isFile.test(url));
        if (files.length > 5 && files.every((url) => kept.has(url))) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("not all files are kept");
}"""


@pytest.fixture
def server(tmp_path: Path, runtime: None) -> Iterator[RunningServer]:
    with serve_app(tmp_path, FILES, anvil_yaml=YAML) as server:
        yield server


@pytest.fixture
def proxy(server: RunningServer) -> Iterator[Relay]:
    with relay(server.port) as proxy:
        yield proxy


@pytest.fixture
def context(page: Page) -> BrowserContext:
    return page.context


def wait_for_code(page: Page, url: str) -> None:
    """Until pages get compiled code; before that they get sources."""
    for _ in range(100):
        if "/_/code/" in page.request.get(url).text().replace('"_/', '"/_/'):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the client code was not compiled")


def visit(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_text("Good morning")).to_be_visible()


def visit_and_keep(page: Page, url: str) -> None:
    visit(page, url)
    page.evaluate(KEEP_ALL)


def test_the_next_visit_asks_for_the_page_alone(
    page: Page, context: BrowserContext, proxy: Relay
) -> None:
    wait_for_code(page, proxy.url)
    proxy.forget()
    visit_and_keep(page, proxy.url)
    assert any(one.startswith("GET /_/code/") for one in proxy.asked)
    assert proxy.sent < 900_000
    page.close()

    # The browser's own cache is gone: the files do not depend on it.
    again = context.new_page()
    context.new_cdp_session(again).send("Network.clearBrowserCache")
    proxy.forget()
    visit(again, proxy.url)
    assert set(proxy.asked) <= {"GET /", "GET /_/ws", "GET /_/manifest.json"}
    assert proxy.sent < 10_000


def test_pages_and_answers_are_not_kept(page: Page, context: BrowserContext, proxy: Relay) -> None:
    visit_and_keep(page, proxy.url)
    visit_and_keep(page, proxy.url)
    page.evaluate("fetch('/_/theme/tea.svg').then((answer) => answer.text())")
    kept = page.evaluate(LIST_KEPT)
    assert kept and all(
        re.match(r"/_/(runtime|code|app)/|/_/theme/@\w+/", path) for path in kept
    ), kept
    assert page.evaluate("caches.keys()") == ["anvil-files-1"]


def test_a_page_that_cannot_be_had_says_so(page: Page, proxy: Relay) -> None:
    visit_and_keep(page, proxy.url)
    proxy.cut()
    page.reload()
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    expect(page.get_by_text("Corner shop cannot be reached")).to_be_visible()
    proxy.is_cut = False
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Good morning")).to_be_visible()


def test_a_new_release_is_served_at_once_and_the_old_one_goes(
    page: Page, proxy: Relay, tmp_path: Path
) -> None:
    wait_for_code(page, proxy.url)
    visit_and_keep(page, proxy.url)
    before = set(page.evaluate(LIST_KEPT))
    changes: dict[str, str | bytes] = {
        "client_code/Home/__init__.py": HOME.replace('"greet")', '"greet") + ", all"'),
        "theme/assets/brand.css": "body { --brand: 2px }",
    }
    write_files(tmp_path / "shop", changes)
    told = page.get_by_text("Good morning, all")
    for _ in range(100):
        page.reload()
        page.get_by_text("Good morning").wait_for()
        if told.is_visible():
            break
    brand = "getComputedStyle(document.body).getPropertyValue('--brand').trim()"
    assert page.evaluate(brand) == "2px"
    page.evaluate(KEEP_ALL)
    after = set(page.evaluate(LIST_KEPT))
    gone = {path for path in before - after if re.match(r"/_/(app|theme)/", path)}
    assert len(gone) >= 2
    assert {path for path in before if "/_/runtime/" in path} <= after


def test_an_app_may_do_without(page: Page, proxy: Relay, tmp_path: Path) -> None:
    visit_and_keep(page, proxy.url)
    yaml = YAML.replace("version: 3,", "version: 3, service_worker: false,")
    write_files(tmp_path / "shop", {"anvil.yaml": yaml})
    for _ in range(100):
        page.reload()
        page.get_by_text("Good morning").wait_for()
        if '"serviceWorker":false' in page.locator("#anvil-boot").text_content():
            break
    page.evaluate("""async () => {
        for (let tries = 0; tries < 400; tries += 1) {
            if (!(await navigator.serviceWorker.getRegistrations()).length) return;
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        throw new Error("the service worker is still there");
    }""")
    script = page.request.get(f"{proxy.url}/_/service-worker")
    assert "unregister" in script.text() and script.headers["service-worker-allowed"] == "/"
