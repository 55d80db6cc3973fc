"""The server's log: lines for people, or with ``--log-format json`` one JSON object a line.

What is being done, and for whom, goes along in a context: every line that is written meanwhile
carries the request's id, the instance and the user. In JSON each request and each call gets a line
of its own when it ends (logger ``app_server.access``).
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app_server.sessions import Session

FORMATS = ("text", "json")
TEXT_FORMAT = "%(asctime)s %(levelname)s %(message)s"
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An id of a request that a proxy made and we go on with; another is not taken over."""
# How messages name their instance for people.
INSTANCE_PREFIX = re.compile(r"\[([^\]\s]+)\] ")

access = logging.getLogger("app_server.access")


@dataclass(slots=True)
class Work:
    """One request or call being served. ``session`` is known once somebody asked for it."""

    request_id: str
    instance: str | None
    session: Session | None = None

    @property
    def user_id(self) -> int | None:
        """The row id of who is logged in."""
        state = self.session.state.get("users") if self.session is not None else None
        found: int | None = state.get("logged_in_id") if isinstance(state, dict) else None
        return found


work: ContextVar[Work | None] = ContextVar("work", default=None)


def make_request_id(given: str | None = None) -> str:
    """The id that a proxy gave, where it is one, else a new one."""
    return given if given and GIVEN_ID.fullmatch(given) else secrets.token_hex(8)


def note_session(session: Session | None) -> None:
    """Say whose session the request at work belongs to."""
    current = work.get()
    if current is not None and session is not None:
        current.session = session


def set_up_logging() -> None:
    """Lines for people, until the configuration says otherwise."""
    logging.basicConfig(level=logging.INFO, format=TEXT_FORMAT)
    for name in ("uvicorn.error", "websockets.server"):
        logging.getLogger(name).setLevel(logging.WARNING)
    choose_format("text")


def choose_format(name: str) -> None:
    """Go on in this format."""
    formatter = JsonFormatter() if name == "json" else logging.Formatter(TEXT_FORMAT)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
    # People at a terminal want to see what is wrong, not every request.
    access.setLevel(logging.INFO if name == "json" else logging.WARNING)


class JsonFormatter(logging.Formatter):
    """``at``, ``level``, ``logger``, ``message`` and, where they are known, ``instance``,
    ``request_id``, ``user_id``, the members of ``extra={"facts": {...}}`` and ``trace``."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        named = INSTANCE_PREFIX.match(message)
        if named:
            entry["instance"], entry["message"] = named[1], message[named.end() :]
        current = work.get()
        if current is not None:
            entry["request_id"] = current.request_id
            entry["instance"] = current.instance or entry.get("instance")
            entry["user_id"] = current.user_id
        facts = getattr(record, "facts", None)
        if isinstance(facts, Mapping):
            entry.update(facts)
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        kept = {name: value for name, value in entry.items() if value is not None}
        return json.dumps(kept, ensure_ascii=False, default=str)


def log_access(message: str, **facts: Any) -> None:
    """Note that a request or call has ended."""
    if access.isEnabledFor(logging.INFO):
        access.info(message, extra={"facts": facts})


def is_json_wanted(words: list[str]) -> bool:
    """Whether a command line that may be broken asks for JSON, so that even its error comes so."""
    joined = " ".join(words)
    return "--log-format json" in joined or "--log-format=json" in joined


def tell_failure(message: str, *, is_json: bool) -> None:
    """Say why the server does not start."""
    if is_json:
        choose_format("json")
        logging.getLogger("app_server").critical("%s", message)
    else:
        sys.stderr.write(f"{message}\n")
