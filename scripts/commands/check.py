"""``scripts/check``: lint, format and types of everything. Exit code 1 if anything is wrong."""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent

CHECKS: dict[str, list[str]] = {
    "ruff check": [str(BIN / "ruff"), "check", "."],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
    "mypy": [str(BIN / "mypy")],
    "mypy of the template": [
        str(BIN / "mypy"),
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
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


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
