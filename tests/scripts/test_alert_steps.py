"""Every command that an alert tells somebody to run is one that there is, with those options."""

from __future__ import annotations

import re

import click
import pytest

from scripts.commands.mybizz.application import mybizz
from scripts.operations.home import ROOT

SOURCES = [*sorted((ROOT / "scripts/operations/observing").glob("*.py")), ROOT / "docs/alerts.md"]
COMMAND = re.compile(r"`?scripts/mybizz ((?:[^`\n\\#|;)]|\\\n)*)")
GROUPS = "instance|fleet|release|archive"
BARE = re.compile(rf"`((?:{GROUPS}) [^`\n]*)`")


def read_commands() -> list[str]:
    found = []
    for path in SOURCES:
        text = path.read_text()
        if path.suffix == ".py":
            # Literals that follow one another are one text.
            text = re.sub(r'"\n\s*f?"', "", text)
        text = text.replace("\\\n", " ")
        found += [match.strip() for match in (*COMMAND.findall(text), *BARE.findall(text))]
    return sorted(set(found))


@pytest.mark.parametrize("line", read_commands())
def test_there_is_such_a_command(line: str):
    words = line.rstrip('.:," ').split()
    command: click.Command = mybizz
    while isinstance(command, click.Group) and words and words[0][0].isalpha():
        name = words.pop(0)
        assert name in command.commands, f"there is no `{name}` in {line!r}"
        command = command.commands[name]
    known = {option for each in command.params for option in each.opts}
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert given <= known


def test_commands_are_found():
    commands = read_commands()
    assert len(commands) > 25 and any(line.startswith("instance drill") for line in commands)
