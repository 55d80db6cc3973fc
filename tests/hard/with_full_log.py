"""Runs the server with its log on a disk that is full, from the moment on that it listens:

python -m tests.hard.with_full_log -- OPTIONS
"""

from __future__ import annotations

import logging
import os
import sys


class UntilListening(logging.Handler):
    """Says that the server listens as usual, and then has the disk fill up."""

    def emit(self, record: logging.LogRecord) -> None:
        if "Listening on" in record.getMessage():
            sys.stderr.write(record.getMessage() + "\n")
            sys.stderr.flush()
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, 2)


if __name__ == "__main__":
    sys.argv[1:] = sys.argv[2:]
    logging.getLogger().addHandler(UntilListening())
    from app_server.__main__ import main

    logging.basicConfig(level=logging.INFO, format="%(message)s", force=False)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().addHandler(logging.StreamHandler())
    sys.exit(main())
