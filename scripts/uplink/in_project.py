"""Imported first by a script of this folder that was started by its path: it goes on in the
project's own Python, which has the packages, and finds the project's modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_root = Path(__file__).resolve().parents[2]
_venv = _root / ".venv"
if _venv.is_dir() and Path(sys.prefix).resolve() != _venv.resolve():
    _python = str(_venv / "bin" / "python")
    os.execv(_python, [_python, *sys.argv])
sys.path.insert(0, str(_root))
