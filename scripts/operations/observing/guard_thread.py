"""Guard the monitor from within another program, for as long as that runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from scripts.operations.home import Home, OperationError

ASK_SECONDS = 30.0


@contextmanager
def guarding(home: Home) -> Iterator[None]:
    """Ask again and again whether the monitor lives, in a thread."""
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(ASK_SECONDS):
            # Loaded here: what sends messages takes longer to load than the rest to start.
            from scripts.operations.observing.guarding import guard_monitor

            try:
                guard_monitor(home, datetime.now(UTC))
            except (OperationError, OSError) as error:
                logging.getLogger("mybizz.watch").error("Nobody guards the monitor: %s", error)

    thread = threading.Thread(target=ask, name="guard", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)
