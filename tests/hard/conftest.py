"""Lets the tests of this folder import those beside it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    # A test file is imported by path, so the root is not on it by itself.
    sys.path.insert(0, ROOT)
