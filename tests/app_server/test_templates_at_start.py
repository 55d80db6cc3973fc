"""A template that is wrong is told to the operator when the server starts, with file and line."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.app_server.running import serve_app

FORM = "from ._anvil_designer import MainTemplate\n\nclass Main(MainTemplate):\n    pass\n"
TEMPLATE = '<div>\n<anvil-component type="Buton" name="btn_go"></anvil-component>\n</div>\n'


def test_an_unknown_component_is_told_at_start(tmp_path: Path):
    files = {
        "client_code/Main/__init__.py": FORM,
        "client_code/Main/form_template.html": TEMPLATE,
    }
    with serve_app(tmp_path, files) as server:
        # It is read beside the start, so that a slow one delays nobody.
        told = threading.Event()
        for _ in range(100):
            if any("did you mean 'Button'?" in line for line in server.log):
                break
            told.wait(0.1)
        line = next(line for line in server.log if "Buton" in line)
    assert "client_code/Main/form_template.html:2: unknown component type 'Buton'" in line
