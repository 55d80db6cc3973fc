"""The outbox of a server that ``serve_app`` runs, seen by the person who gets the mail."""

from __future__ import annotations

import email
import re
import time
from email.policy import default as modern
from pathlib import Path


def last_link(folder: Path, *, count: int = 1) -> str:
    """The path of the link in the newest message, once there are ``count`` of them: some are sent
    after the call that asked for them has been answered."""
    deadline = time.monotonic() + 20
    while len(paths := sorted((folder / "data" / "outbox").glob("*.eml"))) < count:
        assert time.monotonic() < deadline, "no mail came"
        time.sleep(0.05)
    message = email.message_from_bytes(paths[-1].read_bytes(), policy=modern)
    body = message.get_body(("plain",))
    assert body is not None
    match = re.search(r"http://\S+?(/_/\S+)", body.get_content())
    assert match
    return match[1]
