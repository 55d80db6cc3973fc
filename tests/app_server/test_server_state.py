"""What the server says of itself where no instance's name is asked for."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from app_server.http.server_state import ServerState, answer_stranger


def ask(
    path: str, state: ServerState, query: str = "", method: str = "GET", host: str = "10.0.0.7"
) -> int:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [],
    }
    connection = HTTPConnection(scope)
    return answer_stranger(connection, host, state, {"inn.example"}.__contains__).status_code


def test_is_ready_between_its_start_and_its_end():
    state = ServerState()
    assert (ask("/_/health", state), ask("/_/ready", state)) == (200, 503)
    state.has_started = True
    assert (ask("/_/health", state), ask("/_/ready", state)) == (200, 200)
    state.is_leaving = True
    assert (ask("/_/health", state), ask("/_/ready", state)) == (200, 503)
    assert state.reasons == ["The server is being stopped."]


def test_knows_the_names_that_a_proxy_may_get_certificates_for():
    state = ServerState()
    assert ask("/_/serves", state, "domain=inn.example") == 200
    assert ask("/_/serves", state, "domain=INN.example") == 200
    for query in ("domain=other.example", "", "domain=inn.example&domain=other.example"):
        assert ask("/_/serves", state, query) == 404, query


def test_has_nothing_else_to_say():
    state = ServerState(has_started=True)
    assert ask("/", state) == 404
    assert ask("/_/metrics", state) == 404
    assert ask("/_/health", state, method="POST") == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("[fd00::7]", 200),
        ("localhost", 200),
        ("server", 200),
        ("inn.localhost", 404),
        ("www.inn.example", 404),
    ],
)
def test_does_not_speak_for_an_instance(host: str, status: int):
    """One that could not be started has no host name here: it must not seem to be well."""
    state = ServerState(has_started=True)
    assert ask("/_/health", state, host=host) == status
    assert ask("/_/ready", state, host=host) == status
