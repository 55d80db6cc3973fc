"""What server code prints, as much of it as a log can take."""

from __future__ import annotations

import logging

from app_server.limits import MAX_OUTPUT_BURST_CHARS, MAX_OUTPUT_CHARS_PER_SECOND
from app_server.rates import RateLimit

logger = logging.getLogger(__name__)

OUTPUT_KEPT_CHARS = 256
"""Of one text that is too large for a message."""


class OutputLimit:
    """MAX_OUTPUT_BURST_CHARS at once, and then so much a second. What is left out is counted, and
    told when there is room again."""

    def __init__(self) -> None:
        self._rate = RateLimit(MAX_OUTPUT_CHARS_PER_SECOND, MAX_OUTPUT_BURST_CHARS)
        self._dropped = 0

    def take(self, text: str, whose: str) -> str:
        """What may pass of a text that was printed: all of it, or nothing. ``whose`` is the
        instance, for the log."""
        if not self._rate.allows(len(text)):
            if not self._dropped:
                logger.warning("[%s] Server code prints more than the log takes.", whose)
            self._dropped += len(text)
            return ""
        if self._dropped:
            text = f"\n[{self._dropped} characters of output were left out]\n{text}"
            self._dropped = 0
        return text
