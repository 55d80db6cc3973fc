"""What the apps print and how their functions fail, in the server's log."""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger("app_server.app")

NAME_CHARS = 200
MESSAGE_CHARS = 4000
TRACE_LINES = 100


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


def log_error(instance_name: str, what: str, error: dict[str, Any]) -> None:
    """Log an error with which a function ended, with its trace."""
    frames = (error.get("trace") or ())[:TRACE_LINES]
    trace = "".join(f"\n  {shown(path, NAME_CHARS)}:{line}" for path, line in frames)
    logger.error(
        "[%s] %s: %s: %s%s",
        instance_name,
        shown(what, NAME_CHARS),
        shown(error.get("type"), NAME_CHARS),
        shown(error.get("message"), MESSAGE_CHARS),
        trace,
    )


def log_client_message(instance_name: str, message: dict[str, Any]) -> None:
    """Log what a browser reports: ``{"error": {...}}``, ``{"warning": ...}`` or
    ``{"print": text}``. It may be anything, so only so much of it is kept."""
    if isinstance(message.get("error"), dict):
        error = message["error"]
        logger.warning(
            "[%s] in a browser: %s: %s\n  %s",
            instance_name,
            shown(error.get("type"), NAME_CHARS),
            shown(error.get("message"), 1000),
            shown(error.get("trace"), MESSAGE_CHARS),
        )
    elif "warning" in message:
        logger.warning("[%s] in a browser: %.1000r", instance_name, message["warning"])
    else:
        logger.debug("[%s] in a browser: %.1000r", instance_name, message.get("print"))
