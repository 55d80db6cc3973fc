"""An app made of small forms, opened in a real Chromium."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser import conftest as browser

# The fixtures of the runtime's own tests.
page = browser.page
make_server = browser.make_server
run_module = browser.run_module

FORM_CODE = """
from ._anvil_designer import {name}Template
from anvil import *
import anvil.server

class {name}({name}Template):
"""
PLAIN_INIT = """
def __init__(self, **properties):
    super().__init__(**properties)
"""


class Forms:
    """What a test opened: the page, what Python printed, and the errors that nobody caught."""

    def __init__(self, page: Page):
        self.page = page
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.warnings: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, message: Any) -> None:
        lists = {"log": self.lines, "error": self.errors, "warning": self.warnings}
        lists.get(message.type, []).append(message.text)

    def told(self) -> str:
        """What the page says of errors."""
        return " | ".join(self.page.locator(".anvil-error").all_text_contents())

    def error_shown(self, text: str) -> None:
        """Wait until the page tells of an error with ``text`` in its message or traceback."""
        panel = self.page.locator(".anvil-error").filter(has_text=text)
        panel.first.wait_for(state="attached")

    def printed(self, line: str) -> None:
        """Wait until Python has printed ``line``."""
        if line not in self.lines:
            with self.page.expect_console_message(lambda message: message.text == line):
                pass


OpenForms = Callable[..., Forms]


def form_files(name: str, template: str, body: str, extension: str = "html") -> dict[str, str]:
    """The files of a form ``name`` (dotted) whose class has ``body`` in it."""
    leaf = name.rsplit(".", 1)[-1]
    folder = "client_code/" + name.replace(".", "/")
    code = textwrap.dedent(body).strip("\n")
    if "def __init__" not in code:
        code = PLAIN_INIT + code
    return {
        f"{folder}/__init__.py": FORM_CODE.format(name=leaf) + textwrap.indent(code, "  "),
        f"{folder}/form_template.{extension}": template,
    }


@pytest.fixture
def open_forms(make_server: browser.MakeServer, page: Page) -> OpenForms:
    """``open_forms({"Main": (template, class body), ...}, functions={...}, modules={...})`` opens
    the form ``Main``. A template that begins with ``container:`` or ``layout:`` is YAML."""

    def open_them(
        forms: dict[str, tuple[str, str]],
        functions: dict[str, Any] | None = None,
        modules: dict[str, str] | None = None,
        *,
        files: dict[str, str] | None = None,
        start: str = "Main",
        fails: bool = False,
        **options: Any,
    ) -> Forms:
        files = dict(files or {})
        files |= {f"client_code/{name}.py": code for name, code in (modules or {}).items()}
        for name, (template, body) in forms.items():
            text = textwrap.dedent(template).strip("\n")
            is_yaml = text.startswith(("container:", "layout:"))
            files |= form_files(name, text, body, "yaml" if is_yaml else "html")
        options.setdefault("yaml", f"startup: {{type: form, module: {start}}}\n")
        server = make_server(files, **options)
        server.functions.update(functions or {})
        opened = Forms(page)
        page.goto(server.url)
        page.wait_for_selector("#anvil-splash", state="detached")
        if not fails:
            assert page.locator("#appGoesHere > *").count() == 1, opened.told()
        return opened

    return open_them
