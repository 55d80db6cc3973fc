"""The life of one outermost call."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger(__name__)

CloseCallback = Callable[[bool], Awaitable[None]]


class CallStack:
    """Holds what belongs to one outermost call, such as its open transaction.

    Every call made while serving it shares its stack, and several may come at once.
    ``resources`` is free for native functions, by a key of their own. Callbacks given to
    ``on_close`` run in reverse order when the outermost call has ended, with whether it ended well.
    """

    def __init__(self, stack_id: str | None = None):
        self.id = stack_id or secrets.token_hex(12)
        self.resources: dict[str, Any] = {}
        self.is_closed = False
        self._callbacks: list[CloseCallback] = []

    def on_close(self, callback: CloseCallback) -> None:
        self._callbacks.append(callback)

    async def close(self, ok: bool) -> None:
        """Run the callbacks once. One that fails is logged and does not keep the others back."""
        if self.is_closed:
            return
        self.is_closed = True
        while self._callbacks:
            callback = self._callbacks.pop()
            try:
                await callback(ok)
            except Exception:
                logger.exception("Closing call stack %s failed", self.id)
        self.resources.clear()
