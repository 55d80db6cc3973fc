"""Complete a change of release that was killed, or take it back."""

from __future__ import annotations

import psycopg

from app_server.errors import StartupError
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, list_instances
from scripts.operations.reaching import alone_with
from scripts.operations.upgrading.changing import Changing, Say, tell
from scripts.operations.upgrading.journal import Phase, read_journal
from scripts.operations.upgrading.staging import sweep_drafts


class KilledError(BaseException):
    """Why a change is taken back where nothing else is known. No fault of the release."""


def recover(home: Home, server: DatabaseServer, instance: InstanceFolder, say: Say) -> str | None:
    """What became of a change that was killed: ``completed`` or ``taken back``; None where there is
    none. Whoever calls it works on the instance alone. Raises ``OperationError`` where it can be
    neither at the moment."""
    sweep_drafts(instance)
    journal = read_journal(instance)
    if journal is None or not journal.is_open:
        return None
    say(f"  The {journal.facts['kind']} of {instance.name} to {journal.target} was interrupted.")
    changing = Changing(home, server, instance, journal, say)
    is_exchanged = changing.places.is_exchanged(journal.id)
    is_over = journal.phase is Phase.PROVEN
    if is_over or (is_exchanged and journal.phase is not Phase.RETURNING):
        try:
            changing.complete()
            return "completed"
        except Exception as error:
            if is_over:
                raise
            changing.take_back(error)
    else:
        changing.take_back(KilledError("It was killed."))
    return "taken back"


def recover_all(home: Home, server: DatabaseServer, say: Say) -> dict[str, str]:
    """The same for all instances that nobody works on; what became of each, or the reason why
    nothing did."""
    told: dict[str, str] = {}
    for instance in list_instances(home):
        try:
            if not is_interrupted(instance):
                continue
            with alone_with(home, instance.name):
                outcome = recover(home, server, instance, say)
        except (OperationError, StartupError, psycopg.Error, OSError) as error:
            outcome = tell(error)
        if outcome is not None:
            told[instance.name] = outcome
    return told


def is_interrupted(instance: InstanceFolder) -> bool:
    """Whether a change is open, and nobody carries it out."""
    journal = read_journal(instance)
    return journal is not None and journal.is_open and not journal.is_at_work
