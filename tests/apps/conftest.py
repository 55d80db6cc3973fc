"""Little apps as people write them by Anvil's tutorials, served by the real server."""

from __future__ import annotations

import io
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.resources import files as resource_files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_server.running import RunningServer, start_server

expect.set_options(timeout=15_000)
SERVICES = """
services:
- source: /runtime/services/tables.yml
  client_config: {}
  server_config: {auto_create_missing_columns: false}
"""


def classic_theme() -> dict[str, bytes]:
    """The classic Material Design theme, out of the templates of the installed package."""
    data = (resource_files("anvil_app_server") / "Default.zip").read_bytes()
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = [name for name in archive.namelist() if name.startswith("theme/") and name[-1] != "/"]
    return {name: archive.read(name) for name in names}


class OpenApp:
    """The page on which an app runs, and its server. ``errors`` is what its console told."""

    def __init__(self, page: Page, server: RunningServer):
        self.page = page
        self.server = server
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)


OpenAnApp = Callable[..., OpenApp]


@pytest.fixture
def open_app(
    chromium: Browser, runtime: None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[OpenAnApp]:
    """``open_app(files, yaml=..., tables=..., path="/")`` serves an app in the classic theme and
    opens it; at the end nothing may stand in the browser's console as an error."""
    with ExitStack() as stack:
        opened: list[OpenApp] = []

        def open_it(
            files: dict[str, str],
            *,
            yaml: str = "",
            tables: str = "",
            path: str = "/",
            version: int = 2,
        ) -> OpenApp:
            head = f"name: Little\npackage_name: little\nruntime_options: {{version: {version}}}\n"
            content = {"anvil.yaml": head + yaml + (SERVICES + tables if tables else ""), **files}
            app = tmp_path / "little"
            for name, text in {**classic_theme(), **content}.items():
                (app / name).parent.mkdir(parents=True, exist_ok=True)
                data = textwrap.dedent(text).encode() if isinstance(text, str) else text
                (app / name).write_bytes(data)
            database = request.getfixturevalue("database_url") if tables else "none"
            arguments = ["--app", str(app), "--data-dir", str(tmp_path), "--database", database]
            server = start_server([*arguments, "--auto-migrate"], cwd=tmp_path)
            stack.callback(server.stop)
            context = chromium.new_context(viewport={"width": 1280, "height": 900})
            stack.callback(context.close)
            page = context.new_page()
            page.route(
                "https://fonts.googleapis.com/**",
                lambda route: route.fulfill(content_type="text/css"),
            )
            opened.append(OpenApp(page, server))
            page.goto(server.url + path)
            page.wait_for_selector("#anvil-splash", state="detached")
            return opened[-1]

        yield open_it
        for app in opened:
            app.page.goto("about:blank")
            assert app.errors == []
