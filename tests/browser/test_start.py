"""How a page comes up: colours from the first moment, nothing that jumps, lasting addresses."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import MakeServer
from tests.browser.stub_server import StubServer

FILES = {
    "client_code/Home/__init__.py": """
        from ._anvil_designer import HomeTemplate

        class Home(HomeTemplate):
            pass
        """,
    "client_code/Home/form_template.html": """
        <anvil-form container="LinearPanel">
          <anvil-component type="Label" name="label" prop:text="Good morning">
          </anvil-component>
        </anvil-form>
        """,
    "theme/parameters.yaml": """
        color_scheme:
          colors:
          - {name: Primary, color: "#b00020", dark: "#ffb3b3"}
        """,
    "theme/assets/brand.css": "body { --brand: yes; background: url(tea.svg) }",
    "theme/assets/steps.js": """
        window.runs = (window.runs ?? 0) + 1;
        export const runs = window.runs;
        """,
    "theme/assets/tea.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
}
YAML = """\
startup: {type: form, module: Home}
metadata: {title: Tea & Cake, logo_img: "asset:tea.svg"}
native_deps:
  head_html: |
    <link rel="stylesheet" href="_/theme/brand.css">
    <link rel="alternate" href="/_/theme/tea.svg">
    <script type="module" src="_/theme/steps.js"></script>
"""
INLINE = """\
    <script>window.said = '<b>"_/theme/tea.svg"</b>';</script>
"""


@pytest.fixture
def server(make_server: MakeServer) -> StubServer:
    return make_server(FILES, yaml=YAML)


def pinned_addresses(server: StubServer) -> list[str]:
    return re.findall(r'href="(_/theme/@[^"]+)"', httpx.get(server.url).text)


def test_theme_assets_have_addresses_that_never_change(server: StubServer) -> None:
    addresses = pinned_addresses(server)
    assert [one.rpartition("/")[2] for one in addresses] == ["tea.svg", "brand.css", "tea.svg"]
    for address in addresses:
        answer = httpx.get(f"{server.url}/{address}")
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    plain = httpx.get(f"{server.url}/_/theme/brand.css")
    assert plain.headers["cache-control"] == "no-cache"


def test_a_former_version_of_an_asset_is_not_kept(server: StubServer) -> None:
    answer = httpx.get(f"{server.url}/_/theme/@0123456789abcdef/brand.css")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-cache"
    assert httpx.get(f"{server.url}/_/theme/@0123456789abcdef/../x").status_code == 404


def test_a_module_that_python_imports_as_well_runs_once(
    server: StubServer, make_server: MakeServer, page: Page
) -> None:
    home = """
        import anvil.js
        from ._anvil_designer import HomeTemplate

        class Home(HomeTemplate):
            def __init__(self, **properties):
                self.init_components(**properties)
                runs = anvil.js.import_from("./_/theme/steps.js").runs
                self.label.text = f"{runs} time, {anvil.js.window.said}"
        """
    server = make_server({**FILES, "client_code/Home/__init__.py": home}, yaml=YAML + INLINE)
    page.goto(server.url)
    expect(page.get_by_text('1 time, <b>"_/theme/tea.svg"</b>')).to_be_visible()


def test_another_theme_has_other_addresses(make_server: MakeServer, server: StubServer) -> None:
    before = pinned_addresses(server)
    changed = {**FILES, "theme/assets/tea.svg": "<svg xmlns='http://www.w3.org/2000/svg'></svg>"}
    assert set(pinned_addresses(make_server(changed, yaml=YAML))) & set(before) == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_splash_wears_the_apps_colour(server: StubServer, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.route("**/_/runtime/*.js", lambda route: None)  # it stays at the splash
    page.goto(server.url, wait_until="commit")
    splash = page.locator("#anvil-splash")
    expect(splash).to_contain_text("Tea & Cake")
    styles = splash.evaluate(
        """(splash) => [splash, splash.firstElementChild].map((element) => {
            const canvas = document.createElement("canvas").getContext("2d");
            const style = getComputedStyle(element);
            canvas.fillStyle = element === splash ? style.backgroundColor : style.borderTopColor;
            canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
        })"""
    )
    (red, green, blue, _), mark = styles
    if scheme == "light":
        assert mark[:3] == [0xB0, 0x00, 0x20]
    else:  # seen on dark ground, and still of that colour
        assert mark[0] > 200 > 150 > mark[2] > mark[1]
    assert (min(red, green, blue) > 220) if scheme == "light" else (max(red, green, blue) < 60)
    assert red > green  # a breath of it


def test_a_page_without_its_engine_says_so(server: StubServer, page: Page) -> None:
    page.route("**/_/runtime/engine-*.js", lambda route: route.abort())
    page.goto(server.url)
    expect(page.get_by_text("did not load as a whole. Please reload it.")).to_be_visible()


def test_nothing_jumps(server: StubServer, page: Page) -> None:
    page.add_init_script(
        """window.shifts = [];
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) shifts.push(entry.value);
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    page.goto(server.url)
    expect(page.get_by_text("Good morning")).to_be_visible()
    expect(page.locator("#anvil-splash")).to_have_count(0)
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
    assert page.evaluate("shifts") == []


def test_a_page_starts_under_a_content_security_policy(server: StubServer, page: Page) -> None:
    """Scripts of the page's own server alone; the engine needs ``unsafe-eval``."""
    policy = "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"

    def add_policy(route: Route) -> None:
        answer = route.fetch()
        headers = {**answer.headers, "content-security-policy": policy + "; connect-src 'self' ws:"}
        route.fulfill(response=answer, headers=headers)

    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if "Polic" in line.text else None)
    page.route(f"{server.url}/", add_policy)
    page.goto(server.url)
    expect(page.get_by_text("Good morning")).to_be_visible()
    assert refused == []
