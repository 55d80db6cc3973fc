"""What the server says of itself, to programs that look after it.

They ask by its address, or by a name without a dot, which no instance has: Kubernetes's probes,
Compose's health check, and a proxy that wants to know whether to get a certificate for a name
(Caddy's ``on_demand_tls``). Nothing of an instance is told, and an instance that cannot be started
is not taken for well.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from app_server.http import problems

NO_STORE = {"Cache-Control": "no-store"}


@dataclass(slots=True)
class ServerState:
    """``has_started``: each instance was started, or said why it cannot be. ``is_leaving``: the
    server was told to stop."""

    has_started: bool = False
    is_leaving: bool = False

    @property
    def reasons(self) -> list[str]:
        """Why visitors should not be sent here; empty where they should. A database that is away
        is no reason: visitors are told by the instance, and another server has no other."""
        reasons = []
        if not self.has_started:
            reasons.append("The instances are being started.")
        if self.is_leaving:
            reasons.append("The server is being stopped.")
        return reasons


def is_own_name(host_name: str) -> bool:
    """Whether somebody means the server, not an instance."""
    try:
        ipaddress.ip_address(host_name.strip("[]"))
    except ValueError:
        return "." not in host_name
    return True


def answer_stranger(
    connection: HTTPConnection, host_name: str, state: ServerState, is_known: Callable[[str], bool]
) -> Response:
    """``/_/health``: 200 while the server lives; ``/_/ready``: 503 with reasons where it takes
    nobody; ``/_/serves?domain=NAME``: 200 where that host name is an instance's. Else 404."""
    path = connection.url.path
    if connection.scope["method"] not in ("GET", "HEAD") or not is_own_name(host_name):
        return problems.not_found(connection)
    if path == "/_/health":
        return JSONResponse({"ok": True}, 200, NO_STORE)
    if path == "/_/ready":
        reasons = state.reasons
        answer = {"ready": not reasons, "reasons": reasons}
        return JSONResponse(answer, 503 if reasons else 200, NO_STORE)
    if path == "/_/serves":
        names = parse_qs(connection.url.query).get("domain", [])
        is_served = len(names) == 1 and is_known(names[0].lower())
        return JSONResponse({"served": is_served}, 200 if is_served else 404, NO_STORE)
    return problems.not_found(connection)
