"""An instance that is not served for now: stopped by its operator, or while it is being changed.

``paused.json`` in its folder says so: ``{"mode": "stopped" | "changing", "reason", "since"}``. The
server of an instances folder follows it; it survives restarts, and goes when the pause is over. A
stopped instance answers with a page; while one is changed, visitors wait for it instead.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from app_server.gate import Gate, GateClosedError
from app_server.http import problems

PAUSE_FILE = "paused.json"
PROBES = ("/_/health", "/_/ready")


class Mode(enum.Enum):
    """Why it is not served. While it is CHANGING, whoever comes waits."""

    STOPPED = "stopped"
    CHANGING = "changing"


@dataclass(frozen=True, slots=True)
class Pause:
    """``reason`` is for operators; visitors are not told."""

    mode: Mode
    reason: str = ""
    since: str = ""


def read_pause(folder: Path) -> Pause | None:
    """What the folder of an instance says; None where it is to be served. What cannot be read
    counts as stopped: somebody wanted it so."""
    try:
        found = json.loads((folder / PAUSE_FILE).read_text())
        return Pause(Mode(found["mode"]), str(found.get("reason", "")), str(found.get("since", "")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Pause(Mode.STOPPED, f"{PAUSE_FILE} cannot be read")


class Closed:
    """Stands where the instance ``name`` was. ``is_released``: nothing of it runs any more."""

    def __init__(self, name: str, pause: Pause):
        self.name = name
        self.pause = pause
        self.is_released = False
        self._gate = Gate()
        self._gate.hold()

    def turn_to(self, pause: Pause) -> None:
        """Another pause in place of this one; who waits for the end of a change is told."""
        self.pause = pause
        if pause.mode is Mode.STOPPED:
            waiting, self._gate = self._gate, Gate()
            self._gate.hold()
            waiting.release(self._refuse)

    def end(self, successor: ASGIApp) -> None:
        """Send those who wait to what is there now."""
        self._gate.release(successor)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in PROBES:
            await self._tell()(scope, receive, send)
            return
        if self.pause.mode is Mode.STOPPED:
            await self._refuse(scope, receive, send)
            return
        try:
            successor = await self._gate.enter()
        except GateClosedError:
            successor = None
        await (successor or self._refuse)(scope, receive, send)

    def _tell(self) -> Response:
        """For what watches: it is meant so."""
        state = self.pause.mode.value
        message = {
            Mode.STOPPED: "The instance was stopped by its operator.",
            Mode.CHANGING: "The instance is being changed.",
        }[self.pause.mode]
        facts = {"ok": False, "state": state, "message": message, "released": self.is_released}
        return JSONResponse(facts, 503)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close(problems.TRY_AGAIN_LATER)
            return
        connection = HTTPConnection(scope)
        is_stopped = self.pause.mode is Mode.STOPPED
        page = problems.closed(connection) if is_stopped else problems.changing(connection)
        await page(scope, receive, send)
