"""What the tests of this folder share, and what lets them import those beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    # A test file is imported by path, so the root is not on it by itself.
    sys.path.insert(0, ROOT)


@pytest.fixture
def record_figure(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Tells what was measured: with MYBIZZ_HARD_FIGURES=FILE a line of it goes there."""

    def record(name: str, value: object) -> None:
        path = os.environ.get("MYBIZZ_HARD_FIGURES")
        if path:
            with open(path, "a") as file:
                file.write(f"{request.node.name}\t{name}\t{value}\n")

    return record
