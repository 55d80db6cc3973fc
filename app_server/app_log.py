"""What the apps print and how their functions fail, in the server's log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app_server.traces import own_frames

if TYPE_CHECKING:
    from app_server.instance import Instance

logger = logging.getLogger("app_server.app")

NAME_CHARS = 200
MESSAGE_CHARS = 4000
LINE_CHARS = 600


def shown(value: object, limit: int) -> str:
    """Text from elsewhere as it may stand in a log: only so much of it, without control characters,
    and with further lines indented, so that it cannot pass for an entry of its own."""
    text = str(value)[:limit]
    plain = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
    return plain.replace("\n", "\n  ")


def log_output(instance_name: str, lines: list[str]) -> None:
    """Log what server code printed."""
    for line in lines:
        if line.strip():
            logger.info("[%s] %s", instance_name, shown(line, MESSAGE_CHARS))


def log_error(instance: Instance, what: str, error: dict[str, Any]) -> None:
    """Log an error with which a function ended, with its trace."""
    logger.error(
        "[%s] %s: %s: %s%s",
        instance.name,
        shown(what, NAME_CHARS),
        shown(error.get("type"), NAME_CHARS),
        shown(error.get("message"), MESSAGE_CHARS),
        _show_frames(own_frames(instance.app, error.get("trace"))),
    )


def _show_frames(frames: Iterable[str]) -> str:
    return "".join(f"\n  {shown(frame, LINE_CHARS)}" for frame in frames)


def log_client_message(instance: Instance, message: dict[str, Any]) -> None:
    """Log what a browser reports: ``{"error": {...}}``, ``{"warning": ...}`` or
    ``{"print": text}``. It may be anything, so only so much of it is kept."""
    if isinstance(message.get("error"), dict):
        error = message["error"]
        address = error.get("url")
        logger.warning(
            "[%s] in a browser: %s: %s%s%s",
            instance.name,
            shown(error.get("type"), NAME_CHARS),
            shown(error.get("message"), 1000),
            f" (at {shown(address, NAME_CHARS)})" if address else "",
            _show_frames(own_frames(instance.app, error.get("trace"), in_browser=True)),
        )
    elif "warning" in message:
        logger.warning("[%s] in a browser: %s", instance.name, shown(message["warning"], 1000))
    elif "print" in message:
        printed = message["print"]
        text = "".join(map(str, printed)) if isinstance(printed, list) else str(printed)
        for line in text[:MESSAGE_CHARS].splitlines():
            logger.info("[%s] in a browser: %s", instance.name, shown(line, 1000))
