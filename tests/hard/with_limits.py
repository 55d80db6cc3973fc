"""Runs the server with other limits, so that tests need not wait for the real ones:

python -m tests.hard.with_limits NAME=NUMBER ... -- OPTIONS
"""

from __future__ import annotations

import sys

from app_server import limits


def change_limits(words: list[str]) -> list[str]:
    """Set the limits named before ``--``; gives what comes after."""
    end = words.index("--")
    for word in words[:end]:
        name, _, number = word.partition("=")
        kind = type(getattr(limits, name))
        setattr(limits, name, kind(float(number)))
    return words[end + 1 :]


if __name__ == "__main__":
    sys.argv[1:] = change_limits(sys.argv[1:])
    from app_server.__main__ import main  # modules take the limits as they are when imported

    sys.exit(main())
