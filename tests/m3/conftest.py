"""The gallery of m3 in a real Chromium, and small apps that depend on m3."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import conftest as browser
from tests.browser.stub_server import StubServer

ROOT = Path(__file__).parents[2]
M3_ID = "4UK6WHQ6UX7AKELK"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def gallery_url(m3_assets: None) -> Iterator[str]:
    with StubServer(ROOT / "m3") as server:
        yield server.url


OpenGallery = Callable[..., Page]


@pytest.fixture
def open_gallery(chromium: Browser, gallery_url: str) -> Iterator[OpenGallery]:
    """``open_gallery(viewport=DESKTOP, color_scheme="light")``: the gallery, ready. A test in which
    the page reports an error fails."""
    contexts = []
    errors: list[str] = []

    def open_it(viewport: dict[str, int] = DESKTOP, **options: Any) -> Page:
        context = chromium.new_context(viewport=viewport, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(browser.WAIT_MS)
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(gallery_url)
        page.get_by_role("button", name="Filled", exact=True).wait_for()
        page.locator("#anvil-splash").wait_for(state="detached")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not errors, "\n".join(errors)


@pytest.fixture
def gallery(open_gallery: OpenGallery) -> Page:
    """The gallery on a desktop."""
    return open_gallery()


RunM3 = Callable[..., tuple[Page, list[str]]]


@pytest.fixture
def run_m3(chromium: Browser, tmp_path: Path, m3_assets: None) -> Iterator[RunM3]:
    """``run_m3(python)``: an app that depends on m3 runs a startup module to its end. Gives the
    page and what Python printed."""
    context = chromium.new_context(viewport=DESKTOP, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(browser.WAIT_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    servers = []

    def run(source: str) -> tuple[Page, list[str]]:
        files = {
            "anvil.yaml": (
                "package_name: shop\nname: Shop\nruntime_options: {version: 3}\n"
                "startup: {type: module, module: startup}\n"
                f"dependencies: [{{app_id: {M3_ID}, version: {{dev: true}}}}]\n"
            ),
            "client_code/startup.py": textwrap.dedent(source) + "\nprint('done')\n",
        }
        browser.write_files(tmp_path / "shop", files)
        (tmp_path / "m3").symlink_to(ROOT / "m3")
        server = StubServer(tmp_path / "shop", {M3_ID: "m3"})
        server.__enter__()
        servers.append(server)
        lines: list[str] = []
        page.on(
            "console",
            lambda m: (errors if m.type == "error" else lines).append(m.text),
        )
        with page.expect_console_message(lambda message: message.text == "done"):
            page.goto(server.url)
        assert not errors, "\n".join(errors)
        return page, lines[: lines.index("done")]

    yield run
    context.close()
    for server in servers:
        server.__exit__()
    assert not errors, "\n".join(errors)
