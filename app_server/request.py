"""A call on its way through the router, and its answer."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app_server.errors import AnvilError
from app_server.stack import CallStack
from app_server.wire.payload import Payload

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.logs import Work
    from app_server.sessions import Session, SessionSocket


class Origin(enum.Enum):
    """Who makes a call. Only CLIENT is not trusted."""

    CLIENT = "client"
    SERVER = "server"
    UPLINK = "uplink"
    HTTP = "http_endpoint"


def ignore_update(_update: dict[str, Any]) -> None:
    pass


@dataclass(slots=True)
class Request:
    """One call.

    ``command`` names a function, or a method of ``live_object`` (its wire spec). ``frames`` is the
    call stack with the nearest caller first: ``{"type": "browser" | "server_module" | "uplink" |
    "client_uplink" | "http" | "background_task", "protocol-version": int}``. ``client`` is what
    ``anvil.server.context.client`` tells: ``{"type", "ip", "location"}``. ``parent`` is the call
    that this one was made from. ``alternate_session`` is the browser's, where the call comes from
    another site's page and has got a session of its own. ``sent_user_data`` is the session's data
    that went to the server code with this call. ``work`` is what lines of the log carry of it.
    ``on_update`` gets messages that precede the
    answer: ``{"output": text}`` and ``{"set-cookie": True}``. ``worker`` is the process that serves
    it.
    """

    instance: Instance
    session: Session
    stack: CallStack
    command: str
    payload: Payload
    origin: Origin
    frames: tuple[dict[str, Any], ...]
    client: dict[str, Any]
    live_object: dict[str, Any] | None = None
    parent: Request | None = None
    alternate_session: Session | None = None
    sent_user_data: dict[str, Any] = field(default_factory=dict)
    worker: object = None
    on_update: Callable[[dict[str, Any]], None] = ignore_update
    socket: SessionSocket | None = None
    work: Work | None = None

    @property
    def root(self) -> Request:
        request = self
        while request.parent is not None:
            request = request.parent
        return request

    @property
    def is_client(self) -> bool:
        return self.origin is Origin.CLIENT

    @property
    def description(self) -> str:
        """For logs: the function's name."""
        if self.live_object is not None:
            return f"{self.live_object.get('backend')}.{self.command}"
        return self.command


@dataclass(slots=True)
class Reply:
    """The answer to a call: either ``error`` (``{"type", "message", "trace"}``) or values."""

    payload: Payload = field(default_factory=Payload)
    error: dict[str, Any] | None = None

    @classmethod
    def from_error(cls, error: AnvilError) -> Reply:
        return cls(error=error.to_json())

    @classmethod
    def failed(cls, type_name: str, message: str) -> Reply:
        return cls.from_error(AnvilError(message, type_name))
