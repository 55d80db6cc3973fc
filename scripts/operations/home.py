"""Where an installation keeps what it makes: releases, instances, the database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class OperationError(Exception):
    """A command cannot be done as asked. The message is all that the operator reads."""


@dataclass(frozen=True)
class Home:
    """The folders of one installation.

    By default releases and instances stand in the checkout, as ``docs/operators.md`` shows; with
    ``--data-dir`` all three stand below that folder, so that several installations can share one
    checkout.
    """

    releases: Path
    instances: Path
    data: Path

    @classmethod
    def at(cls, data_dir: Path | None) -> Home:
        if data_dir is None:
            return cls(ROOT / "releases", ROOT / "client_instances", ROOT / ".data")
        base = data_dir.expanduser().resolve()
        return cls(base / "releases", base / "client_instances", base)

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    def make(self) -> None:
        for folder in (self.releases, self.instances, self.data):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OperationError(
                    f"The folder {folder} can't be made: {error.strerror}. "
                    "Choose another with --data-dir."
                ) from error
