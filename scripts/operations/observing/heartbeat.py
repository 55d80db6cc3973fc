"""The monitor's sign of life: ``<data>/observing/heartbeat.json``, written after each round."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app_server.files import replace_file
from scripts.operations.home import Home
from scripts.operations.observing.looking import data_folder
from scripts.operations.observing.settings import Limits


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """``at`` is None where no monitor ever ran here. ``is_over``: it was stopped on purpose."""

    at: str | None = None
    pid: int | None = None
    interval_seconds: float = 0.0
    rounds: int = 0
    seconds: float = 0.0
    is_over: bool = False

    def age_seconds(self, now: datetime) -> float | None:
        return (now - datetime.fromisoformat(self.at)).total_seconds() if self.at else None

    def is_fresh(self, now: datetime, limits: Limits | None = None) -> bool:
        """Whether the monitor that wrote it lives, or was stopped just now and may be started
        anew, as far as can be told."""
        age = self.age_seconds(now)
        longest = max((limits or Limits()).heartbeat_seconds, 3 * self.interval_seconds)
        return age is not None and -longest < age <= longest

    def to_json(self, now: datetime) -> dict[str, Any]:
        return {
            "is_alive": self.is_fresh(now) and not self.is_over,
            "seen_at": self.at,
            "interval_seconds": self.interval_seconds,
            "rounds": self.rounds,
            "round_seconds": self.seconds,
        }


def read_heartbeat(home: Home) -> Heartbeat:
    try:
        return Heartbeat(**json.loads((data_folder(home) / "heartbeat.json").read_text()))
    except (OSError, ValueError, TypeError):
        return Heartbeat()


def write_heartbeat(home: Home, beat: Heartbeat) -> None:
    """OSError where it cannot be written."""
    folder = data_folder(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(folder / "heartbeat.json", json.dumps(asdict(beat)))
