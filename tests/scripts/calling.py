"""`scripts/mybizz` as an operator runs it, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.scripts.running import ROOT


def command_of(*words: object, data_dir: Path) -> list[str]:
    module = [sys.executable, "-m", "scripts.commands.mybizz"]
    return [*module, *map(str, words), "--data-dir", str(data_dir)]


def call(*words: object, data_dir: Path, expected: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; ``expected`` is its exit code."""
    command = command_of(*words, data_dir=data_dir)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert done.returncode == expected, done.stdout + done.stderr
    return done


def ask(*words: object, data_dir: Path, expected: int = 0) -> dict[str, Any]:
    """The JSON that a command answers with."""
    done = call(*words, "--json", data_dir=data_dir, expected=expected)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
