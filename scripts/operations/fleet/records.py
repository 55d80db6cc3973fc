"""What has become of each instance in an upgrade of many, and the file that remembers it."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app_server.files import replace_file
from scripts.operations.command_log import read_operator
from scripts.operations.releases import Release


class State(enum.Enum):
    """Of one instance in a fleet's upgrade."""

    WAITING = "waiting"
    REHEARSED = "rehearsed"
    DONE = "done"
    FAILED = "failed"
    """It is as it was before."""
    LEFT_OUT = "left out"
    """It cannot or need not be upgraded."""


@dataclass(frozen=True)
class Wish:
    """``batch`` instances are upgraded before it is seen whether all is well, ``at_once`` of them
    side by side. ``stops``: nothing more is begun after a failure."""

    target: Release
    batch: int = 5
    at_once: int = 1
    canary: str = ""
    stops: bool = False
    rehearses: bool = False
    allow_data_loss: bool = False
    again: bool = False


@dataclass
class Record:
    """What has become of one instance. ``error`` says why it failed or is left out."""

    name: str
    former: str
    state: State = State.WAITING
    is_canary: bool = False
    batch: int = 0
    error: str = ""
    rehearsed: str = ""
    """The id of the backup that proved the release."""
    backup: str = ""
    seconds: float | None = None
    stopped_seconds: float | None = None
    at: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "state": self.state.value}


def read_records(path: Path) -> dict[str, dict[str, Any]]:
    """The records of a former run by name; a file that is broken tells nothing."""
    try:
        return {each["name"]: each for each in json.loads(path.read_text())["instances"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_records(path: Path, facts: Mapping[str, Any]) -> None:
    """Replace the file in one step; it is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"by": read_operator(), **facts}
    replace_file(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
