"""A figure: something measured, beside the goal and the baselines that it is compared with."""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report.

    ``unit`` is ``ms``, ``s``, ``MB``, ``KB``, ``1/s`` or ``B``. ``goal`` is the bound to keep, in
    the same unit: the least where ``is_rate``, else the most. ``baseline`` is measured in the same
    run and named by ``baseline_name`` (the same SQL run directly, say). ``anvil`` is what Anvil's
    own server 1.17 reached on a machine of the same kind, as a range (lowest, highest).
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    baseline: float | None = None
    baseline_name: str = ""
    anvil: tuple[float, float] | None = None

    @property
    def is_rate(self) -> bool:
        return self.unit == "1/s"

    @property
    def reaches_goal(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.is_rate else self.value <= self.goal

    def to_json(self) -> str:
        """One line. Ratios say how many times the baseline's the figure is."""
        line: dict[str, Any] = {
            "figure": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
        }
        if self.goal is not None:
            line |= {"goal": self.goal, "reached": self.reaches_goal}
        if self.baseline is not None:
            ratio = rounded(self.value / self.baseline) if self.baseline else None
            line |= {
                "baseline": {"name": self.baseline_name, "value": rounded(self.baseline)},
                "ratio": ratio,
            }
        if self.anvil is not None:
            middle = statistics.mean(self.anvil)
            line |= {"anvil": list(self.anvil), "ratio_to_anvil": rounded(self.value / middle)}
        return json.dumps(line)


def rounded(value: float) -> float:
    """To three figures that mean something."""
    return float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))


def times_ms(do: Callable[[], object], count: int, *, warm_up: int = 5) -> list[float]:
    """Milliseconds of each of ``count`` runs, one after the other."""
    for _ in range(warm_up):
        do()
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        do()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def median_ms(do: Callable[[], object], count: int, *, warm_up: int = 5) -> float:
    return statistics.median(times_ms(do, count, warm_up=warm_up))


def replace(figure: Figure, **changes: Any) -> Figure:
    return dataclasses.replace(figure, **changes)
