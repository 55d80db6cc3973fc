"""An app folder, a stub server and a real Chromium for each test of the browser runtime."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser.stub_server import StubServer

ROOT = Path(__file__).parents[2]
WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)
ANVIL_YAML = "package_name: shop\nname: Corner shop\nruntime_options: {version: 3}\n"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), "utf-8")


MakeServer = Callable[..., StubServer]


@pytest.fixture
def make_server(tmp_path: Path, runtime: None) -> Iterator[MakeServer]:
    """``make_server({file: text}, dependencies={folder: {file: text}}, yaml=...)``: a stub server
    of that app. A module ``startup`` in ``client_code`` is what starts."""
    with ExitStack() as stack:

        def make(
            files: dict[str, str],
            *,
            dependencies: dict[str, dict[str, str]] | None = None,
            yaml: str = "startup: {type: module, module: startup}\n",
        ) -> StubServer:
            write_files(tmp_path / "shop", {"anvil.yaml": ANVIL_YAML + yaml, **files})
            dep_ids = {}
            for name, content in (dependencies or {}).items():
                write_files(tmp_path / name, content)
                dep_ids[f"DEP{name.upper()}"] = name
            return stack.enter_context(StubServer(tmp_path / "shop", dep_ids))

        yield make


def _is_ours(message: ConsoleMessage) -> bool:
    """Whether it tells of a Python error; the browser itself complains of a 404 in this way too."""
    return message.type == "error" and "Failed to load resource" not in message.text


RunModule = Callable[..., list[Any]]


@pytest.fixture
def run_module(make_server: MakeServer, page: Page) -> RunModule:
    """``run_module(python, functions={...})``: run a startup module to its end; what it printed,
    line by line. The module's last line must print ``done``."""

    def run(
        source: str,
        functions: dict[str, Any] | None = None,
        *,
        extra_files: dict[str, str] | None = None,
    ) -> list[str]:
        code = textwrap.dedent(source) + "\nprint('done')\n"
        server = make_server({"client_code/startup.py": code, **(extra_files or {})})
        server.functions.update(functions or {})
        lines: list[str] = []
        page.on("console", lambda message: lines.append(message.text))
        with page.expect_console_message(
            lambda message: message.text == "done" or _is_ours(message)
        ):
            page.goto(server.url)
        if "done" not in lines:
            details = page.locator(".anvil-error pre").text_content()
            pytest.fail("\n".join([*lines, details or ""]))
        return [line for line in lines[: lines.index("done")] if "Failed to load" not in line]

    return run
