"""What another site can make a visitor's browser ask for, and what each answer carries."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.routing import Route, WebSocketRoute
from websockets.exceptions import InvalidHandshake

from app_server.http.routes import list_routes
from app_server.sessions import COOKIE_NAME
from tests.app_server.running import open_socket
from tests.product.studio import DOMAIN, PASSWORD, Studio

SITE = Path(__file__).resolve().parents[2] / "master_template" / "server_code" / "server_site"
FOREIGN = (
    "https://evil.example",
    "http://localhost.evil.example",
    "http://evil.example:80",
    "null",
    "file://",
    "chrome-extension://abc",
)
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def cookie(studio: Studio) -> str:
    """Olga's, as her browser would send it along."""
    with studio.person("olga") as olga:
        assert olga.call("get_settings")
        value = studio.server.client.cookies.get(COOKIE_NAME)
    return f"{COOKIE_NAME}={value}"


def is_logged_in(studio: Studio, cookie: str, **headers: str) -> bool:
    page = httpx.get(studio.url + "/app/settings", headers={"Cookie": cookie, **headers})
    return "settings.SettingsForm" in page.text


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_another_site_gets_no_socket(studio: Studio, cookie: str, origin: str) -> None:
    headers = {"Cookie": cookie, "Origin": origin}
    with pytest.raises(InvalidHandshake):
        open_socket(studio.server.port, "/_/ws", headers=headers)


def test_our_own_page_does_get_one(studio: Studio, cookie: str) -> None:
    """The control for the test above."""
    headers = {"Cookie": cookie, "Origin": studio.url}
    with studio.server.browser(with_session=False, headers=headers) as browser:
        assert browser.call("get_settings")["success"]


def test_a_socket_without_an_origin_and_cookie_is_nobodys(studio: Studio) -> None:
    """A browser always sends an origin; a program that sends none has nobody's cookie either."""
    with studio.person() as program:
        assert program.answer("get_settings")["code"] == "not_authenticated"


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_sites_request_acts_as_nobody(studio: Studio, cookie: str, origin: str) -> None:
    """It gets a session of its own, so nothing that it asks for is done in olga's name."""
    assert is_logged_in(studio, cookie)
    assert is_logged_in(studio, cookie, Origin=studio.url)
    assert not is_logged_in(studio, cookie, Origin=origin)


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("kind", ["form", "multipart", "text", "json"])
@pytest.mark.parametrize(
    "path", ["/_/logout", "/_/request_cookies", "/_/login/x", "/_/email-pw-reset/a@b.c/x"]
)
def test_a_form_of_another_site_is_refused(
    studio: Studio, cookie: str, origin: str, kind: str, path: str
) -> None:
    given: dict[str, Any] = {
        "form": {"data": {"password": "taken over", "again": "taken over"}},
        "multipart": {"files": {"password": (None, "taken over")}},
        "text": {"content": b"password=taken+over", "headers": {"Content-Type": "text/plain"}},
        "json": {"json": {"password": "taken over"}},
    }[kind]
    headers = {**given.pop("headers", {}), "Cookie": cookie, "Origin": origin}
    answer = httpx.post(studio.url + path, headers=headers, **given)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert is_logged_in(studio, cookie)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/app", "/app/contacts", "/app/contacts/C-1/edit"])
def test_pages_take_no_forms(studio: Studio, cookie: str, method: str, path: str) -> None:
    """Nothing of the product changes by a plain request, so a form elsewhere has nothing to do."""
    answer = httpx.request(method, studio.url + path, headers={"Cookie": cookie}, content=b"a=b")
    assert answer.status_code in (404, 405)


@pytest.mark.parametrize("name", ["update_features", "delete_contact", "log_in", "get_settings"])
def test_callables_are_not_reached_over_http(studio: Studio, cookie: str, name: str) -> None:
    for path in (f"/_/api/{name}", f"/{name}", f"/_/call/{name}"):
        for method in ("GET", "POST"):
            answer = httpx.request(method, studio.url + path, headers={"Cookie": cookie})
            assert answer.status_code == 404


def test_no_page_lets_other_sites_read_it(studio: Studio, cookie: str) -> None:
    for path in ("/", "/app/settings", "/_/health"):
        headers = {"Cookie": cookie, "Origin": FOREIGN[0], "Access-Control-Request-Method": "PUT"}
        for method in ("GET", "OPTIONS"):
            answer = httpx.request(method, studio.url + path, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control-")]


def paths_of_the_server() -> list[str]:
    """An address for each of the server's own routes."""
    routes = [r for r in list_routes(cast(Any, None)) if not isinstance(r, WebSocketRoute)]
    assert len(routes) > 12 and all(isinstance(route, Route) for route in routes)
    return [re.sub(r"\{[^}]+\}", "x", cast(Route, route).path) for route in routes]


def paths_of_the_product() -> list[str]:
    """An address for each ``@anvil.server.route``."""
    found = []
    for node in ast.walk(ast.parse((SITE / "routes.py").read_text())):
        for mark in getattr(node, "decorator_list", ()):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "anvil.server.route":
                found.append(re.sub(r":\w+", "x", ast.literal_eval(mark.args[0])))
    assert "/" in found and "/app" in found
    return found


PATHS = sorted({*paths_of_the_server(), *paths_of_the_product(), "/app/login", "/app/contacts"})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_answer_carries_the_security_headers(studio: Studio, path: str, method: str) -> None:
    answer = httpx.request(method, studio.url + path, headers=HTML)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] in (
        "same-origin",
        "strict-origin-when-cross-origin",
        "no-referrer",
    )
    assert answer.headers["x-frame-options"] == "DENY"
    assert "server" not in answer.headers and "x-powered-by" not in answer.headers
    if "html" in answer.headers.get("content-type", ""):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy or "object-src 'none'" in policy
        assert "base-uri" in policy


@pytest.mark.parametrize("path", ["/", "/app/no/such/thing"])
def test_no_script_may_run_on_a_public_page(studio: Studio, path: str) -> None:
    answer = httpx.get(studio.url + path, headers=HTML)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "script-src" not in policy and "unsafe" not in policy
    assert not re.search(r"\s(?:on\w+|style)=", answer.text)


def test_the_apps_page_has_no_inline_script(studio: Studio) -> None:
    """Only scripts of this site run there: none that stands in the page, as injected ones do."""
    answer = httpx.get(studio.url + "/app/login", headers=HTML)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy and "frame-ancestors 'none'" in policy
    assert "content-security-policy" not in answer.text
    for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.S):
        assert "src=" in attributes or 'type="application/json"' in attributes
        assert not content or json.loads(content)


def test_a_private_page_is_in_no_cache(studio: Studio, cookie: str) -> None:
    answer = httpx.get(studio.url + "/app/settings", headers={"Cookie": cookie})
    assert DOMAIN in answer.text and PASSWORD not in answer.text
    assert answer.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/app//evil.example",
        "/app/%2F%2Fevil.example",
        "/app/login?next=https://evil.example",
        "/app/login?next_path=//evil.example",
        "/app/settings?return=https://evil.example&url=//evil.example",
        "/?redirect=https://evil.example",
        "/_/login/x?next=//evil.example",
        "/_/logout?next=https://evil.example",
    ],
)
def test_no_answer_sends_anybody_to_another_site(studio: Studio, cookie: str, path: str) -> None:
    for headers in ({}, {"Cookie": cookie}, {"X-Forwarded-Host": "evil.example"}):
        with open_plain(studio, path, headers) as answer:
            location = answer.headers.get("location", "")
            assert "evil" not in location
            assert location in ("", "/", "/app/login", "/app/reset")


def open_plain(studio: Studio, path: str, headers: dict[str, str]) -> Any:
    """The path goes out as it stands: httpx would tidy it up."""
    client = httpx.Client(base_url=studio.url)
    request = client.build_request("GET", studio.url + "/", headers={**HTML, **headers})
    request.url = request.url.copy_with(raw_path=path.encode())
    return client.stream(request.method, request.url, headers=request.headers)
