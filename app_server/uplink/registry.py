"""Which functions are served by an instance's uplinks."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from app_server.dispatch import call_peer
from app_server.errors import AnvilError
from app_server.request import Reply, Request
from app_server.wire.caller import CallingPeer

if TYPE_CHECKING:
    from app_server.uplink.link import UplinkLink

MAX_REMEMBERED_NAMES = 1000


class UplinkRegistry:
    """The functions that connected uplinks of one instance have registered.

    A function's name is a regular expression that has to match the whole command, as on Anvil's
    server. Names of uplinks that have gone are remembered, to tell a caller why nobody answers.
    """

    def __init__(self) -> None:
        self._served: dict[UplinkLink, list[re.Pattern[str]]] = {}
        self._gone: dict[str, re.Pattern[str]] = {}

    def add(self, link: UplinkLink) -> None:
        self._served[link] = []

    def register(self, link: UplinkLink, name: str) -> None:
        """``re.error`` where the name is no regular expression."""
        self._served[link].append(re.compile(name))

    def remove(self, link: UplinkLink) -> None:
        for pattern in self._served.pop(link, ()):
            if len(self._gone) < MAX_REMEMBERED_NAMES:
                self._gone[pattern.pattern] = pattern

    @property
    def links(self) -> list[UplinkLink]:
        return list(self._served)

    def _find(self, command: str) -> list[UplinkLink]:
        return [
            link
            for link, patterns in self._served.items()
            if any(pattern.fullmatch(command) for pattern in patterns)
        ]

    def finds(self, request: Request) -> bool:
        return (
            bool(self._served) and request.live_object is None and bool(self._find(request.command))
        )

    def choose(self, command: str) -> CallingPeer | None:
        """One of the uplinks that serve a function."""
        links = self._find(command)
        return random.choice(links) if links else None

    async def call(self, request: Request) -> Reply:
        link = self.choose(request.command)
        if link is None:
            raise AnvilError("Uplink disconnected", "anvil.server.UplinkDisconnectedError")
        return await call_peer(link, request, None)

    def was_served(self, command: str) -> bool:
        """Whether an uplink that has gone served this function."""
        return any(pattern.fullmatch(command) for pattern in self._gone.values())
