"""``scripts/check``: lint, format and types of everything. Exit code 1 if anything is wrong."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent

CHECKS: dict[str, list[str]] = {
    "ruff check": [str(BIN / "ruff"), "check", "."],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
    # A cache each: both run at once, and mypy breaks on a cache that another one is writing.
    "mypy": [str(BIN / "mypy"), "--show-traceback", "--cache-dir", ".mypy_cache/project"],
    "mypy of the template": [
        str(BIN / "mypy"),
        *("--show-traceback", "--cache-dir", ".mypy_cache/template"),
        # Its own run: at home these modules stand in an Anvil package, not on Python's path.
        *("--strict", "--explicit-package-bases", "--ignore-missing-imports"),
        *("--follow-imports=silent", "master_template/server_code/server_shared"),
        "master_template/server_code/server_auth/rbac.py",
    ],
    "tsc": ["npm", "run", "-s", "typecheck"],
    "eslint": ["npm", "run", "-s", "lint"],
    "prettier": ["npm", "run", "-s", "format"],
}
FIXES: dict[str, list[str]] = {
    "ruff check": [str(BIN / "ruff"), "check", "--fix", "."],
    "ruff format": [str(BIN / "ruff"), "format", "."],
    "prettier": ["npx", "prettier", "--write", "app_server/browser/src", "m3/web"],
}


def run_check(command: list[str]) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if "INTERNAL ERROR" in result.stdout + result.stderr:
        # mypy itself broke, which says nothing of the code: it is asked once more, from nothing.
        print(f"{result.stdout}{result.stderr}\nmypy broke and is started again", flush=True)
        again = [*command, "--cache-dir", os.devnull]
        result = subprocess.run(again, cwd=ROOT, capture_output=True, text=True)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/check", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="mend what can be mended")
    options = parser.parse_args()
    if options.fix:
        for command in FIXES.values():
            run_check(command)
    failed = 0
    # Two at a time: the smallest machine that we build for has two cores.
    with ThreadPoolExecutor(2) as pool:
        for name, result in zip(CHECKS, pool.map(run_check, CHECKS.values()), strict=True):
            print(f"{name}: {'ok' if result.returncode == 0 else 'FAILED'}", flush=True)
            if result.returncode:
                failed += 1
                print(result.stdout + result.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
