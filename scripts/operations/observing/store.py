"""The alerts that there are, kept in ``<data>/observing/state.json`` and safe to kill anywhere.

An alert begins when a rule was found in as many rounds as it asks for, and ends when it was not
found for CLEAR_ROUNDS. One that comes and goes has to be away longer each time. What people are to
be told is put into ``queue`` in the very write that says that they were told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fasteners

from app_server.files import replace_file
from scripts.operations.home import Home
from scripts.operations.observing.looking import Look, Memory, data_folder
from scripts.operations.observing.rules import RULES, Finding

CLEAR_ROUNDS = 2
MOST_CLEAR_ROUNDS = 120
DAY = timedelta(days=1)
KEPT = timedelta(days=30)
MAX_ENDED = 2000
FORMAT = 1


@dataclass(slots=True)
class Alert:
    """One alert, as ``fleet alerts list --json`` shows it. ``seen_at``: the last round that found
    it; ``told_at``: the last message about it; ``began``: when it began within the last day;
    ``clear_rounds``: since when it was not found."""

    id: str
    rule: str
    severity: str
    instance: str | None
    part: str | None
    title: str
    text: str
    next_step: str
    runbook: str
    facts: dict[str, Any]
    began_at: str
    seen_at: str
    rounds: int = 0
    clear_rounds: int = 0
    is_open: bool = False
    ended_at: str | None = None
    told_at: str | None = None
    began: list[str] = field(default_factory=list)
    acknowledged_by: str | None = None
    acknowledged_at: str | None = None
    note: str = ""

    def update(self, finding: Finding, at: datetime) -> None:
        facts = finding.to_json()
        self.severity, self.title = facts["severity"], facts["title"]
        self.text, self.next_step = facts["text"], facts["next_step"]
        self.runbook, self.facts = facts["runbook"], facts["facts"]
        self.seen_at = at.isoformat()

    def to_json(self, *, is_silenced: bool) -> dict[str, Any]:
        facts = asdict(self)
        for name in ("rounds", "clear_rounds", "is_open", "began"):
            del facts[name]
        state = "ended" if self.ended_at else "open"
        return {**facts, "state": state, "is_silenced": is_silenced, "times": len(self.began)}


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of a rule, of an instance, or of a rule for an instance until a moment."""

    id: str
    until: str
    by: str
    rule: str | None = None
    instance: str | None = None
    reason: str = ""

    def covers(self, alert: Alert, now: datetime) -> bool:
        return (
            datetime.fromisoformat(self.until) > now
            and self.rule in (None, alert.rule)
            and self.instance in (None, alert.instance)
        )


@dataclass(slots=True)
class State:
    """All that is kept. ``alerts`` by id: open ones, and those that are not found often enough
    yet; ``queue``: messages to send, as ``telling`` makes them."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    ended: list[Alert] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    queue: list[dict[str, Any]] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)

    @property
    def open(self) -> list[Alert]:
        return [alert for alert in self.alerts.values() if alert.is_open]

    def is_silenced(self, alert: Alert, now: datetime) -> bool:
        return any(silence.covers(alert, now) for silence in self.silences)


@dataclass(frozen=True, slots=True)
class Change:
    """What a round changed: alerts that began, and those that ended."""

    begun: tuple[Alert, ...] = ()
    ended: tuple[Alert, ...] = ()


def take_round(state: State, findings: Iterable[Finding], look: Look) -> Change:
    """Bring the alerts in line with what a look at everything found."""
    found = {finding.id: finding for finding in findings}
    begun = [alert for each in found.values() if (alert := _note(state, each, look.at))]
    ended = []
    for alert in list(state.alerts.values()):
        rule = RULES.get(alert.rule)
        if alert.id in found or (rule and not look.can_judge(alert.instance, rule.source)):
            continue
        if alert.rule == "monitor_dead" or _is_clear(alert):
            del state.alerts[alert.id]
            if alert.is_open:
                alert.ended_at = look.at.isoformat()
                state.ended.append(alert)
                ended.append(alert)
    oldest = (look.at - KEPT).isoformat()
    state.ended = [alert for alert in state.ended if (alert.ended_at or "") >= oldest][-MAX_ENDED:]
    state.silences = [
        each for each in state.silences if datetime.fromisoformat(each.until) > look.at
    ]
    return Change(tuple(begun), tuple(ended))


def open_alert(state: State, finding: Finding, at: datetime) -> Alert | None:
    """Begin an alert at once; None where it is open already."""
    known = state.alerts.get(finding.id)
    if known is None:
        known = state.alerts[finding.id] = _make(state, finding, at)
    known.update(finding, at)
    return _begin(known, at)


def _note(state: State, finding: Finding, at: datetime) -> Alert | None:
    """The alert that begins by this finding, if one does."""
    alert = state.alerts.get(finding.id)
    if alert is None:
        alert = state.alerts[finding.id] = _make(state, finding, at)
    alert.update(finding, at)
    alert.rounds, alert.clear_rounds = alert.rounds + 1, 0
    return _begin(alert, at) if alert.rounds >= finding.rule.rounds else None


def _begin(alert: Alert, at: datetime) -> Alert | None:
    if alert.is_open:
        return None
    alert.is_open = True
    alert.began.append(at.isoformat())
    return alert


def _make(state: State, finding: Finding, at: datetime) -> Alert:
    """A new one; it knows how often the same began within a day."""
    since = (at - DAY).isoformat()
    former = next((each for each in reversed(state.ended) if each.id == finding.id), None)
    began = [moment for moment in (former.began if former else []) if moment >= since]
    facts = finding.to_json()
    return Alert(**facts, began_at=at.isoformat(), seen_at=at.isoformat(), began=began)


def _is_clear(alert: Alert) -> bool:
    """Whether it was away for long enough. One that nobody was told of goes at once."""
    alert.clear_rounds += 1
    alert.rounds = 0
    needed = min(CLEAR_ROUNDS * 2 ** max(0, len(alert.began) - 1), MOST_CLEAR_ROUNDS)
    return not alert.is_open or alert.clear_rounds >= needed


# The file


def state_file(home: Home) -> Path:
    return data_folder(home) / "state.json"


@contextmanager
def changing_state(home: Home) -> Iterator[State]:
    """The state, alone with it; written when the block ends well. OSError where it can't be."""
    folder = data_folder(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with fasteners.InterProcessLock(folder / ".lock"):
        state = read_state(home)
        yield state
        replace_file(state_file(home), json.dumps(_to_json(state)))


def read_state(home: Home) -> State:
    """What was written last; nothing where there is no file, or it cannot be understood: then
    alerts that are still there begin anew."""
    try:
        kept = json.loads(state_file(home).read_text())
        if kept["format"] != FORMAT:
            return State()
        names = {each.name for each in fields(Memory)}
        return State(
            alerts={each["id"]: Alert(**each) for each in kept["alerts"]},
            ended=[Alert(**each) for each in kept["ended"]],
            silences=[Silence(**each) for each in kept["silences"]],
            queue=list(kept["queue"]),
            memory=Memory(**{name: kept["memory"][name] for name in names}),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return State()


def _to_json(state: State) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "alerts": [asdict(alert) for alert in state.alerts.values()],
        "ended": [asdict(alert) for alert in state.ended],
        "silences": [asdict(silence) for silence in state.silences],
        "queue": state.queue,
        "memory": asdict(state.memory),
    }


def read_alerts(home: Home, *, is_all: bool = False) -> dict[str, Any]:
    """``{"at", "monitor", "alerts", "silences"}``, as ``fleet alerts list --json`` tells it; the
    worst and newest first. ``is_all``: also those that ended in the last 30 days."""
    from scripts.operations.observing.heartbeat import read_heartbeat

    state, now = read_state(home), datetime.now(UTC)
    chosen = [*state.open, *(reversed(state.ended) if is_all else ())]
    alerts = [each.to_json(is_silenced=state.is_silenced(each, now)) for each in chosen]
    alerts.sort(key=lambda each: each["began_at"], reverse=True)
    alerts.sort(key=lambda each: (each["state"] != "open", each["severity"] != "critical"))
    return {
        "at": now.isoformat(timespec="seconds"),
        "monitor": read_heartbeat(home).to_json(now),
        "alerts": alerts,
        "silences": [asdict(each) for each in state.silences],
        "unsent": len(state.queue),
    }
