"""Packages that import by name, where Python cannot wait, find their code on the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from app_server.http import compiled
from app_server.http.code_graph import read_imports
from tests.browser.conftest import MakeServer

FILLING = "\n".join(f"def unused_{n}():\n    return {n} * 2" for n in range(600))
LAZY_PACKAGE = """
from functools import lru_cache

PARTS = {"kettle": "._kettle", "Cup": "shop.china.cup"}

@lru_cache(maxsize=None)
def __getattr__(name):
    if name not in PARTS:
        raise AttributeError(name)
    part = PARTS[name]
    level = 1 if part.startswith(".") else 0
    module = __import__(part[level:], {"__package__": __package__}, None, ["*"], level)
    return getattr(module, name)
"""
FILES = {
    "client_code/Main/__init__.py": """
        from ._anvil_designer import MainTemplate
        from anvil.js import window
        from ..tools import kettle, Cup

        class Main(MainTemplate):
            def __init__(self, **properties):
                window.outcome = [kettle, Cup]
        """,
    "client_code/Main/form_template.html": "<p>Tea</p>",
    "client_code/tools/__init__.py": LAZY_PACKAGE,
    "client_code/tools/_kettle.py": "kettle = 'hot'\n" + FILLING,
    "client_code/china/__init__.py": "",
    "client_code/china/cup.py": "Cup = 'blue'\n" + FILLING,
}


def test_texts_of_a_module_that_imports_by_name_count_as_imports() -> None:
    found = read_imports("shop.tools", True, LAZY_PACKAGE)
    assert {"functools", "shop.tools._kettle", "shop.china.cup"} <= found
    assert "shop.tools._kettle" not in read_imports("shop.tools", True, "PART = '._kettle'")


def test_doubtful_code_is_read_in_silence(recwarn: pytest.WarningsRecorder) -> None:
    assert read_imports("shop.old", False, "import json\nif 'tea' is json:\n    pass") == {"json"}
    assert not recwarn.list


def test_a_package_that_imports_by_name_does_not_wait(
    make_server: MakeServer, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path / "compiled")
    monkeypatch.setattr(compiled, "_failed", set())
    server = make_server(FILES, yaml="startup: {type: form, module: Main}\n")
    future = compiled.start_compiling(server.app)
    assert future is not None and future.result(60)
    page.goto(server.url)
    page.wait_for_function("() => window.outcome || document.querySelector('.anvil-error')")
    assert page.evaluate("window.outcome") == ["hot", "blue"]
