"""What the apps print and how their functions fail, in the server's log."""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger("app_server.app")


def log_output(instance_name: str, lines: list[str]) -> None:
    """Log what server code printed."""
    for line in lines:
        if line.strip():
            logger.info("[%s] %s", instance_name, line)


def log_error(instance_name: str, what: str, error: dict[str, Any]) -> None:
    """Log an error with which a function ended, with its trace."""
    trace = "".join(f"\n  {path}:{line}" for path, line in error.get("trace") or ())
    logger.error(
        "[%s] %s: %s: %s%s", instance_name, what, error.get("type"), error.get("message"), trace
    )


def log_client_message(instance_name: str, message: dict[str, Any]) -> None:
    """Log what a browser reports: ``{"error": {...}}``, ``{"warning": ...}`` or
    ``{"print": text}``. It may be anything, so only so much of it is kept."""
    if isinstance(message.get("error"), dict):
        error = message["error"]
        logger.warning(
            "[%s] in a browser: %.200s: %.1000s\n%.4000s",
            instance_name,
            error.get("type"),
            error.get("message"),
            error.get("trace"),
        )
    elif "warning" in message:
        logger.warning("[%s] in a browser: %.1000r", instance_name, message["warning"])
    else:
        logger.debug("[%s] in a browser: %.1000r", instance_name, message.get("print"))
