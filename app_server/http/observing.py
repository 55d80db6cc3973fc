"""Counts and logs each HTTP request, and gives it an id that the answer and the log carry."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection
from starlette.types import Message, Scope, Send

from app_server.instance import Instance
from app_server.logs import Work, log_access, make_request_id, work
from app_server.metrics import request_kind

REQUEST_ID_HEADER = "x-request-id"
# What nginx calls a visitor who went away before there was an answer.
WENT_AWAY = 499
FAILED = 500
MAX_LOGGED_PATH = 300
TOKEN = re.compile(r"(?<=/)(?=[^/]*[A-Z0-9])[A-Za-z0-9_-]{20,}(?=/|$)")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def without_tokens(path: str) -> str:
    """A path (without its query) as it may stand in a log: not with what opens an invitation."""
    return TOKEN.sub("***", path)[:MAX_LOGGED_PATH]


@contextmanager
def observed(
    scope: Scope, send: Send, connection: HTTPConnection, instance: Instance | None
) -> Iterator[Send]:
    """For one request; gives what to send the answer by."""
    request_id = make_request_id(connection.headers.get(REQUEST_ID_HEADER))
    current = Work(request_id, instance.name if instance is not None else None)
    header = (REQUEST_ID_HEADER.encode(), request_id.encode())
    status, started = WENT_AWAY, time.perf_counter()

    async def send_observed(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            message = {**message, "headers": [*(message.get("headers") or ()), header]}
        await send(message)

    token = work.set(current)
    try:
        yield send_observed
    except Exception:
        status = FAILED
        raise
    finally:
        seconds = time.perf_counter() - started
        path, method = str(scope["path"]), str(scope["method"])
        if instance is not None:
            known = method if method in METHODS else "other"
            instance.metrics.add_request(request_kind(path), known, status, seconds)
        log_access(
            "request",
            method=method[:20],
            path=without_tokens(path),
            status=status,
            duration_ms=round(seconds * 1000, 1),
        )
        work.reset(token)
