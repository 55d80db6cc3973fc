"""All classic components on one page: nothing fails, nothing overflows, axe finds nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.stub_server import StubServer

HERE = Path(__file__).parent
AXE = HERE.parents[1] / "node_modules" / "axe-core" / "axe.min.js"
# Headings and landmarks are the app's affair.
AXE_RUN = """async () => {
  const off = ["page-has-heading-one", "region", "landmark-one-main"];
  const rules = Object.fromEntries(off.map((name) => [name, {enabled: false}]));
  const found = await axe.run(document, {rules, iframes: false});
  return found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`);
}"""


@pytest.fixture(scope="module")
def server(runtime: None) -> Iterator[StubServer]:
    with StubServer(HERE / "apps" / "classic_gallery") as server:
        yield server


def open_gallery(browser: Browser, server: StubServer, **options: Any) -> tuple[Page, list[str]]:
    page = browser.new_context(**options).new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if is_error(message) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route(re.compile("^https://"), lambda route: Route.fulfill(route, body=""))
    page.goto(server.url)
    expect(page.locator(".anvil-plot .bars .point"), "\n".join(errors)).to_have_count(3)
    return page, errors


def is_error(message: Any) -> bool:
    return message.type in ("error", "warning") and "Permissions policy" not in message.text


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_gallery_is_whole(
    chromium: Browser, server: StubServer, width: int, scheme: str
) -> None:
    page, errors = open_gallery(
        chromium, server, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    expect(page.locator(".anvil-component-icon > svg")).not_to_have_count(0)
    expect(page.locator("[role=alert]:visible")).to_have_count(0)
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    page.add_script_tag(path=AXE)
    assert page.evaluate(AXE_RUN) == []
    assert errors == []
    page.context.close()
