"""What a change of release has done so far, kept on the disk before the next step is taken.

``client_instances/<name>/upgrade.json``. Whoever finds it open, and nobody at work, completes it or
takes it back (``recovering.py``).
"""

from __future__ import annotations

import enum
import json
import os
import secrets
from datetime import UTC, datetime
from typing import Any

import psutil

from app_server.files import replace_file
from scripts.operations.command_log import read_operator
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder

JOURNAL_FILE = "upgrade.json"
CLOCK_SECONDS = 1.0
"""The system tells the start of a process less precisely."""


class Phase(enum.Enum):
    """The last thing that was done. Up to MIGRATED nothing of the instance was touched."""

    STARTED = "started"
    BACKED_UP = "backed up"
    TRIED = "tried"
    HELD = "held"
    MIGRATED = "migrated"
    EXCHANGED = "exchanged"
    SWITCHED = "switched"
    PROVEN = "proven"
    RETURNING = "returning"
    DONE = "done"
    FAILED = "failed"


ONLY_ON_WAY = {"app", "former_app"}
ENDED = {Phase.DONE, Phase.FAILED}


class Journal:
    """Of one change. ``facts``: ``id``, ``kind`` (``upgrade`` or ``rollback``), ``from``, ``to``,
    ``phase``, ``steps`` (each with its time), and what a later run has to know."""

    def __init__(self, instance: InstanceFolder, facts: dict[str, Any]):
        self._instance = instance
        self.facts = facts

    @classmethod
    def begin(cls, instance: InstanceFolder, **facts: Any) -> Journal:
        known = {"id": secrets.token_hex(6), "by": read_operator(), "steps": []}
        journal = cls(instance, {**known, **facts})
        journal.advance(Phase.STARTED)
        return journal

    @property
    def id(self) -> str:
        return str(self.facts["id"])

    @property
    def phase(self) -> Phase:
        return Phase(self.facts["phase"])

    @property
    def is_open(self) -> bool:
        return self.phase not in ENDED

    @property
    def is_at_work(self) -> bool:
        """Whether the process that carries it out is alive. A later one with its number is not
        it."""
        try:
            started = psutil.Process(int(self.facts["pid"])).create_time()
        except (psutil.Error, ValueError):
            return False
        last = datetime.fromisoformat(self.facts["steps"][-1]["at"])
        return started <= last.timestamp() + CLOCK_SECONDS

    @property
    def former(self) -> str:
        return str(self.facts["from"])

    @property
    def target(self) -> str:
        return str(self.facts["to"])

    def advance(self, phase: Phase, **facts: Any) -> None:
        """Note that this is done. It is on the disk when this returns."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        step = {"phase": phase.value, "at": at}
        steps = [*self.facts["steps"], step]
        self.facts = {**self.facts, **facts, "phase": phase.value, "pid": os.getpid()}
        self.facts["steps"] = steps
        replace_file(self._instance.path / JOURNAL_FILE, json.dumps(self.facts, indent=1) + "\n")
        sync_folder(self._instance)

    def end(self, phase: Phase, **facts: Any) -> None:
        """The same for the last step; what only the way there needed is left out."""
        self.facts = {name: value for name, value in self.facts.items() if name not in ONLY_ON_WAY}
        self.advance(phase, **facts)

    def first_time_of(self, phase: Phase) -> datetime | None:
        """When this was done for the first time."""
        found = (step["at"] for step in self.facts["steps"] if step["phase"] == phase.value)
        at = next(found, None)
        return datetime.fromisoformat(at) if at else None


def read_journal(instance: InstanceFolder) -> Journal | None:
    """Of the last change of release; None where there was none."""
    path = instance.path / JOURNAL_FILE
    try:
        facts = json.loads(path.read_text())
        Phase(facts["phase"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise OperationError(
            f"{path} cannot be read ({error}). It says how far a change of release has come; put "
            "it back from a copy, or restore a backup."
        ) from error
    return Journal(instance, facts)


def sync_folder(instance: InstanceFolder) -> None:
    """Have the names in its folder on the disk, too."""
    descriptor = os.open(instance.path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
