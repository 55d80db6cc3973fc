"""What can be wrong with a template, told by file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault of one template. ``line`` counts from 1; ``file`` is as its author knows it.

    With a fatal one the form cannot be opened; with any other it opens, as on Anvil, and what is
    wrong in it is left out or shown in its place.
    """

    file: str
    line: int
    message: str
    is_fatal: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class TemplateError(Exception):
    """A template cannot be read at all. ``problem`` says where and why."""

    def __init__(self, problem: Problem):
        super().__init__(str(problem))
        self.problem = problem


class Problems:
    """Collects the problems of one file."""

    def __init__(self, file: str):
        self.file = file
        self.found: list[Problem] = []

    def add(self, line: int, message: str, *, is_fatal: bool = False) -> None:
        """Note a fault at ``line`` and go on reading."""
        self.found.append(Problem(self.file, line, message, is_fatal))

    def fatal(self, line: int, message: str) -> TemplateError:
        """The error to raise when reading on makes no sense."""
        return TemplateError(Problem(self.file, line, message, is_fatal=True))


def suggest(wrong: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the nearest known name, or nothing."""
    candidates = {name.lower(): name for name in known}
    near = difflib.get_close_matches(wrong.lower(), candidates, n=1, cutoff=0.6)
    return f" (did you mean '{candidates[near[0]]}'?)" if near else ""
