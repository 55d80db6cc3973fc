"""Limits that keep one visitor from taking everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.requests import Request
from websockets.exceptions import WebSocketException

from app_server import limits
from app_server.config import InstanceConfig
from app_server.http.endpoints import serve_endpoint
from app_server.rates import RateLimit, RateLimits
from tests.app_server.running import RunningServer, serve_app

SERVER = """
import anvil.server

@anvil.server.route("/x")
def x():
    return "x"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve_app(tmp_path_factory.mktemp("limits"), {"server_code/main.py": SERVER}) as running:
        yield running


def test_a_bucket_fills_again():
    now = 0.0
    limit = RateLimit(2, 3, lambda: now)
    assert [limit.allows() for _ in range(4)] == [True, True, True, False]
    now = 0.5
    assert [limit.allows() for _ in range(2)] == [True, False]
    now = 100
    assert [limit.allows() for _ in range(4)] == [True, True, True, False]


def test_callers_have_buckets_of_their_own():
    limits_ = RateLimits(1, 1, size=2, clock=lambda: 0.0)
    assert limits_.allows("a") and limits_.allows("b") and not limits_.allows("a")
    assert limits_.allows("c"), "forgets b, who has not asked for longest"
    assert not limits_.allows("a") and limits_.allows("b")


def test_a_flood_of_calls_is_refused(server: RunningServer):
    wanted = limits.CALL_BURST + 200
    with server.browser() as browser:
        for number in range(wanted):
            message = {"type": "CALL", "id": f"f{number}", "args": [1]}
            browser.socket.send(json.dumps({**message, "command": "anvil.private.echo"}))
        answers = [json.loads(browser.socket.recv(timeout=60)) for _ in range(wanted)]
    refused = [answer["error"]["type"] for answer in answers if "error" in answer]
    assert 0 < len(refused) < wanted
    assert set(refused) == {"anvil.server.QuotaExceededError"}


def test_a_session_may_have_so_many_sockets(server: RunningServer):
    with ExitStack() as stack:
        for _ in range(limits.MAX_SOCKETS_PER_SESSION):
            stack.enter_context(server.browser())
        with pytest.raises(WebSocketException), server.browser():
            pass
    with server.browser() as browser:
        assert browser.call("anvil.private.echo", 1) == 1


async def test_requests_above_the_limit_get_429():
    class Instance:
        config = InstanceConfig("shop", Path("."), Path("."), "http://localhost:3030")
        request_rates = RateLimits(1, 0)

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b""}
    scope |= {"client": ("1.2.3.4", 5), "server": ("localhost", 3030), "scheme": "http"}
    response = await serve_endpoint(Request(scope), Instance(), "route")  # type: ignore[arg-type]
    assert response.status_code == 429
    assert response.headers["retry-after"] == "5"
