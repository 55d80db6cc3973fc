"""HTTP requests and answers that would break something if they were believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.requests import HTTPConnection

from app_server import limits
from app_server.http.client_session import is_same_origin
from app_server.media import safe_content_type
from app_server.rates import RateLimits
from tests.app_server.running import RunningServer, serve_app

SERVER = """
import anvil, anvil.server
from anvil.server import HttpResponse

@anvil.server.callable
def lazy_address(content_type):
    media = anvil.server.call("anvil.private.mk_LazyMedia", content_type, "make", content_type)
    return media.get_url(True)

@anvil.server.callable
def make(content_type):
    return anvil.BlobMedia(content_type, b"<b>", name="a\\ud800.html")

@anvil.server.http_endpoint("/typed")
def typed():
    return anvil.BlobMedia("text/html\\r\\nSet-Cookie: x=1", b"<b>", name="a")

@anvil.server.http_endpoint("/header")
def header(name, value):
    return HttpResponse(200, "x", {name: value})

@anvil.server.http_endpoint("/status")
def status(status):
    return HttpResponse(int(status) if status.lstrip("-").isdigit() else status, "x")

@anvil.server.http_endpoint("/fields")
def fields(**given):
    return len(given)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("hostile_http")
    with serve_app(folder, {"server_code/main.py": SERVER}) as running:
        yield running


def has_traceback(server: RunningServer) -> bool:
    return any("Exception in ASGI application" in line for line in server.log)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("text/html; charset=utf-8", True),
        ("image/svg+xml", True),
        ("text/html\r\nSet-Cookie: x=1", False),
        ("text/html\n", False),
        ("text/\u2028html", False),
        ("text/plain; name=\x00", False),
        ("html", False),
        ("", False),
        ("a/" + "b" * 300, False),
    ],
)
def test_only_a_type_of_media_becomes_a_header(given: str, kept: bool):
    assert safe_content_type(given) == (given if kept else "application/octet-stream")


def test_an_uploaded_type_cannot_add_headers(server: RunningServer):
    response = server.get("/_/api/typed")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/octet-stream"
    assert "set-cookie" not in response.headers


def test_lazy_media_of_any_type_and_name_are_served(server: RunningServer):
    with server.browser() as browser:
        path = urlsplit(browser.call("lazy_address", "text/html\r\nX-Bad: 1")).path
        response = server.get(path)
        assert response.status_code == 200, server.log[-5:]
        assert "x-bad" not in response.headers
        odd = {"Range": "bytes=0-" + "9" * 6000}
        assert server.get(path, headers=odd).status_code == 200, "not a range: the whole"
    assert not has_traceback(server)


@pytest.mark.parametrize(
    ("name", "value"), [("X-A", "\u0416"), ("X-A", "a\x00b"), ("X A", "b"), ("", "b"), ("X:", "b")]
)
def test_headers_that_http_does_not_allow_are_refused(server: RunningServer, name: str, value: str):
    response = server.get("/_/api/header", params={"name": name, "value": value})
    assert response.status_code == 500 and "does not allow" in response.text
    assert not has_traceback(server)


@pytest.mark.parametrize("status", ["1000", "99", "101", "-1", "many"])
def test_a_status_that_is_none_is_refused(server: RunningServer, status: str):
    response = server.get("/_/api/status", params={"status": status})
    assert response.status_code == 500 and "is not the status" in response.text
    assert not has_traceback(server)


def test_forms_have_so_many_fields(server: RunningServer):
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    few = "&".join(f"a{n}=1" for n in range(900))
    assert server.post("/_/api/fields", content=few, headers=kind).json() == 900
    many = "&".join(f"a{n}=1" for n in range(2000))
    assert server.post("/_/api/fields", content=many, headers=kind).status_code == 413
    assert server.get("/_/api/fields?" + many).status_code == 400


def make_connection(headers: dict[str, str]) -> HTTPConnection:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": pairs})


@pytest.mark.parametrize(
    ("origin", "host", "is_ours"),
    [
        ("http://shop.localhost:3030", "shop.localhost:3030", True),
        ("http://SHOP.localhost:3030", "shop.localhost:3030", True),
        ("http://other.localhost:3030", "shop.localhost:3030", False),
        ("http://shop.localhost:3031", "shop.localhost:3030", False),
        ("null", "shop.localhost:3030", False),
        ("null", "", False),
        ("http://[", "shop.localhost:3030", False),
    ],
)
def test_only_a_page_of_the_same_host_is_ours(origin: str, host: str, is_ours: bool):
    class AnInstance:
        origin = "https://shop.example"

    connection = make_connection({"origin": origin, "host": host})
    assert is_same_origin(connection, AnInstance()) is is_ours  # type: ignore[arg-type]


def test_over_https_no_neighbour_can_plant_a_session(tmp_path: Path):
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with (
        serve_app(tmp_path, files, "--origin=https://shop.example") as server,
        server.browser() as browser,
    ):
        response: Any = browser.socket.response
        cookie = response.headers["set-cookie"]
        name, _, rest = cookie.partition("=")
        value, *attributes = rest.split("; ")
        assert name == "__Host-anvil-session"
        assert {"Secure", "Path=/", "HttpOnly", "SameSite=Lax"} == set(attributes)
        # The name that any site of the domain could set is not looked at.
        with server.browser(with_session=False, headers={"Cookie": f"anvil-session={value}"}) as b:
            assert b.socket.response is not None
            assert value not in b.socket.response.headers["set-cookie"]


async def test_pages_and_sockets_count_as_requests(monkeypatch: pytest.MonkeyPatch):
    from app_server.http import routes, sockets

    class Socket:
        headers: dict[str, str] = {}
        client = None
        closed: list[int] = []

        async def close(self, code: int) -> None:
            self.closed.append(code)

    class AnInstance:
        name, origin = "shop", "http://shop.localhost:3030"
        request_rates = RateLimits(1, 0)
        config: Any = None
        app: Any = type("App", (), {"startup": {"type": "form", "module": "Form1"}})
        reload: Any = type("Reload", (), {"problem": None})

    monkeypatch.setattr(routes, "client_ip", lambda *_: "1.2.3.4")
    monkeypatch.setattr(sockets, "client_ip", lambda *_: "1.2.3.4")
    socket: Any = Socket()
    instance: Any = AnInstance()
    await sockets.serve_browser(socket, instance)
    assert socket.closed == [sockets.TRY_AGAIN_LATER]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    response = await routes.serve_page(routes.HttpRequest(scope), instance)
    assert response.status_code == 429
    assert limits.REQUEST_BURST >= 100
