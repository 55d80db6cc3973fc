"""Runs the server with a clock that a test can set: what ``time.time`` and ``datetime.now`` tell is
off by as many seconds as the file says.

python -m tests.hard.with_clock FILE -- OPTIONS
"""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path

_real_time = time.time
_real_datetime = datetime.datetime


def set_clock_by(file: Path) -> None:
    def now() -> float:
        return _real_time() + float(file.read_text() or 0)

    class Datetime(_real_datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Datetime:
            return cls.fromtimestamp(now(), tz)

    time.time = now
    datetime.datetime = Datetime  # type: ignore[misc]


if __name__ == "__main__":
    set_clock_by(Path(sys.argv[1]))
    sys.argv[1:] = sys.argv[3:]
    from app_server.__main__ import main

    sys.exit(main())
