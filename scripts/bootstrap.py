"""Prepare a bare machine, then hand over to a command of ``scripts``.

Run by ``scripts/run``, ``scripts/test`` and their like with whatever Python there is, so this file
uses the standard library only. It makes what is missing or out of date, in this order: a virtual
environment with the Python packages, the npm packages, the browser bundles. Each step leaves a
stamp with a hash of its inputs and is passed over while that hash stands.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = ROOT / ".build" / "stamps"
MINIMUM_PYTHON = (3, 11)
MINIMUM_NODE = 20

EXTRAS = {
    "run": "",
    "develop": "",
    "mybizz": "",
    "migrate": "",
    "test": "[dev]",
    "check": "[dev]",
    "bench": "[dev]",
}


def fail(message: str) -> None:
    sys.exit(f"\n{message}")


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def digest(paths: Iterable[Path], *words: str) -> str:
    """A hash of files (folders are walked) and words, in a fixed order."""
    state = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                state.update(str(file.relative_to(ROOT)).encode() + b"\0")
                state.update(file.read_bytes())
    return state.hexdigest()


def require_tools() -> None:
    if sys.version_info < MINIMUM_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        fail(
            f"Python 3.11 or newer is needed; this is {found} ({sys.executable}).\n"
            "Install one, then run with PYTHON=/path/to/python3.11 in front."
        )
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        fail("Node.js 20 or newer (with npm) is needed and not on the PATH: https://nodejs.org/")
    assert node is not None
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < MINIMUM_NODE:
        fail(f"Node.js 20 or newer is needed; `node --version` says {version}.")


def run_logged(title: str, command: list[str], log: Path) -> None:
    """Run a command with its output in a file, a ticking line on the terminal, and on failure the
    end of that output on the screen."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    live = sys.stderr.isatty()
    if not live:
        print(f"  {title} ...", file=sys.stderr, flush=True)
    with log.open("wb") as sink:
        child = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT)
        try:
            while child.poll() is None:
                if live:
                    seconds = int(time.monotonic() - started)
                    print(f"\r  {title} ... {seconds} s", end="", file=sys.stderr, flush=True)
                try:
                    child.wait(timeout=0.5)
                except subprocess.TimeoutExpired:
                    continue
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            raise
    seconds = round(time.monotonic() - started)
    if child.returncode:
        tail = log.read_text(errors="replace").splitlines()[-25:]
        print("\n" + "\n".join(tail), file=sys.stderr)
        fail(f"{title} failed (exit code {child.returncode}). Its whole output is in {log}.")
    end = "\r" if live else ""
    print(f"{end}  {title}: done in {seconds} s        ", file=sys.stderr, flush=True)


def step(name: str, state: str, act: Callable[[], None]) -> None:
    """Do ``act`` unless it was done for this very state; remember the state afterwards."""
    stamp = STAMPS / name
    if stamp.exists() and stamp.read_text() == state:
        return
    act()
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(state)


def install_python_packages(extras: str) -> None:
    def act() -> None:
        if not venv_python().exists():
            run_logged(
                "Making a virtual environment",
                [sys.executable, "-m", "venv", str(VENV)],
                ROOT / ".build" / "logs" / "venv.log",
            )
        pip = [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check"]
        run_logged(
            "Installing Python packages",
            [*pip, "-e", f".{extras}"],
            ROOT / ".build" / "logs" / "pip.log",
        )

    state = digest([ROOT / "pyproject.toml"], extras, str(VENV), sys.version)
    if extras == "" and (STAMPS / "python").exists():
        # What the tests need includes what a run needs.
        with_dev = digest([ROOT / "pyproject.toml"], "[dev]", str(VENV), sys.version)
        if (STAMPS / "python").read_text() == with_dev:
            return
    step("python", state, act)


def install_node_packages() -> None:
    def act() -> None:
        run_logged(
            "Installing npm packages",
            ["npm", "ci", "--no-audit", "--no-fund"],
            ROOT / ".build" / "logs" / "npm.log",
        )

    lock = ROOT / "package-lock.json"
    step("node", digest([lock, ROOT / "package.json"]), act)


def build_bundles() -> None:
    """Build the browser runtime and m3's bundle, each only when a source of it has changed."""
    common = [ROOT / "package-lock.json", ROOT / "pyproject.toml"]
    browser = ROOT / "app_server" / "browser"
    sources = [p for p in browser.iterdir() if p.name not in {"dist", "__pycache__"}]
    step(
        "browser",
        digest([*common, *sources]),
        lambda: run_logged(
            "Building the browser runtime",
            ["npm", "run", "build"],
            ROOT / ".build" / "logs" / "browser.log",
        ),
    )
    step(
        "m3",
        digest([*common, ROOT / "m3" / "web"]),
        lambda: run_logged(
            "Building the Material 3 bundle",
            ["node", "m3/web/build.mjs"],
            ROOT / ".build" / "logs" / "m3.log",
        ),
    )


def forget_lost_outputs() -> None:
    """Drop the stamps of steps whose results someone deleted."""
    results = {
        "python": venv_python(),
        "node": ROOT / "node_modules",
        "browser": ROOT / "app_server" / "browser" / "dist",
        "m3": ROOT / "m3" / "theme" / "assets" / "m3.js",
    }
    for name, result in results.items():
        if not result.exists():
            (STAMPS / name).unlink(missing_ok=True)


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in EXTRAS:
        fail(f"usage: bootstrap.py {{{','.join(EXTRAS)}}} [options]")
    command, *arguments = sys.argv[1:]
    require_tools()
    forget_lost_outputs()
    install_python_packages(EXTRAS[command])
    install_node_packages()
    build_bundles()
    python = str(venv_python())
    os.chdir(ROOT)
    os.execv(python, [python, "-m", f"scripts.commands.{command}", *arguments])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
