"""While a server runs: settle changes of release that were killed, without anybody asking."""

from __future__ import annotations

import subprocess

from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home
from scripts.operations.upgrading.changing import Say
from scripts.operations.upgrading.recovering import recover_all

LOOK_SECONDS = 5.0


def attend(child: subprocess.Popen[bytes], home: Home, server: DatabaseServer, say: Say) -> int:
    """The server's exit code, once it ends."""
    told: dict[str, str] = {}
    while True:
        try:
            return child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            told = settle_all(home, server, say, told)


def settle_all(
    home: Home, server: DatabaseServer, say: Say, told: dict[str, str] | None = None
) -> dict[str, str]:
    """Settle what nobody works on, and say what became of it; what was ``told`` is not said
    again."""
    found = recover_all(home, server, lambda _text: None)
    for name, outcome in found.items():
        if (told or {}).get(name) != outcome:
            say(f"  The change of {name} that was interrupted: {outcome}")
    return found
