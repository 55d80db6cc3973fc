"""HTTP endpoints, routes, and the pages a person sees when something is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from app_server import limits
from tests.app_server.running import RunningServer, serve_app

SERVER = """
import anvil, anvil.server, datetime
from anvil.server import HttpResponse, FormResponse, Capability

@anvil.server.http_endpoint("/describe/:one/:two", methods=["GET", "POST", "PUT", "DELETE"])
def describe(**given):
    r = anvil.server.request
    return {
        "given": {k: v for k, v in given.items() if isinstance(v, (str, list))},
        "method": r.method, "path": r.path, "query": r.query_params, "origin": r.origin,
        "form": {k: v if isinstance(v, (str, list)) else
                 [v.name, v.content_type, len(v.get_bytes())] for k, v in r.form_params.items()},
        "header": r.headers.get("x-test"), "cookie": r.headers.get("cookie"),
        "address": r.remote_address,
        "body": r.body and r.body.get_bytes().decode("latin-1"), "json": r.body_json,
        "user": [r.username, r.password],
    }

@anvil.server.http_endpoint("/text")
def text():
    return "grüße"

@anvil.server.http_endpoint("/plain-json")
def plain_json():
    return [1, 2.5, None, True, {"a": 12345678901234567890}]

@anvil.server.http_endpoint("/media")
def media():
    return anvil.BlobMedia("image/x-test", b"\\x00\\x01" * 50000, name='a "b".png')

@anvil.server.http_endpoint("/date")
def date():
    return {"when": [datetime.date(2026, 1, 1)]}

@anvil.server.http_endpoint("/teapot")
def teapot():
    return HttpResponse(418, "short", {"X-Kind": "pot", "Content-Type": "text/x-tea"})

@anvil.server.http_endpoint("/cookies")
def cookies():
    r = HttpResponse(200, "x")
    r.headers.add("Set-Cookie", "mine=1; Path=/")
    r.headers.add("Set-Cookie", "other=2")
    r.headers.add("Set-Cookie", "anvil-session=stolen")
    return r

@anvil.server.http_endpoint("/split")
def split():
    return HttpResponse(200, "x", {"X-A": "1\\r\\nX-B: 2"})

@anvil.server.http_endpoint("/members", require_credentials=True)
def members():
    return [anvil.server.request.username, anvil.server.request.password]

@anvil.server.http_endpoint("/open", enable_cors=True)
def open_to_all():
    return "open"

@anvil.server.http_endpoint("/fails")
def fails():
    raise ValueError("secret detail")

@anvil.server.http_endpoint("/form-from-api")
def form_from_api():
    return FormResponse("Home")

@anvil.server.route("/")
def home():
    return HttpResponse(200, "<h1>Home</h1>", {"Content-Type": "text/html"})

@anvil.server.route("/moved")
def moved():
    return HttpResponse(303, "", {"Location": "/elsewhere"})

@anvil.server.route("/page/:name")
def page(name):
    return "page " + name

@anvil.server.route("/app")
@anvil.server.route("/app/:area")
def app(area=None, **query):
    return FormResponse("Home", area, day=datetime.date(2026, 1, 2), cap=Capability(["x", 1]),
                        picture=anvil.BlobMedia("image/png", b"png"), **query)

@anvil.server.route("/broken")
def broken():
    raise ValueError("secret detail")
"""
FORM = "<anvil-form></anvil-form>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    files: dict[str, str | bytes] = {
        "server_code/main.py": SERVER,
        "client_code/Home/__init__.py": "class Home: pass",
        "client_code/Home/form_template.html": FORM,
        "theme/assets/css/site.css": "body { color: red }",
    }
    with serve_app(tmp_path_factory.mktemp("http"), files) as running:
        yield running


HTML = {"Accept": "text/html,application/xhtml+xml"}


def test_tells_an_endpoint_all_about_the_request(server: RunningServer):
    response = server.post(
        "/_/api/describe/a%20b/c?q=1&q=2&empty=",
        content=b'{"k": [1]}',
        headers={
            "Content-Type": "application/json",
            "X-Test": "yes",
            "Cookie": "own=1; anvil-session=abc; anvil-cookie-local=x",
            "Authorization": "Basic " + "dXNlcjpwYTpzcw==",
        },
    )
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "given": {"one": "a%20b", "two": "c", "q": ["1", "2"], "empty": ""},
        "method": "POST",
        "path": "/describe/a%20b/c",
        "query": {"q": ["1", "2"], "empty": ""},
        "origin": None,
        "form": {},
        "header": "yes",
        "cookie": "own=1",
        "address": "127.0.0.1",
        "body": '{"k": [1]}',
        "json": {"k": [1]},
        "user": ["user", "pa:ss"],
    }


def test_form_fields_come_as_parameters(server: RunningServer):
    got = server.post("/_/api/describe/a/b", data={"f": ["1", "2"], "g": "ü"}).json()
    assert got["form"] == {"f": ["1", "2"], "g": "ü"} and got["given"]["g"] == "ü"


def test_uploaded_files_come_as_media(server: RunningServer):
    got = server.post(
        "/_/api/describe/a/b",
        data={"note": "hello"},
        files={"file": ("photo.jpg", b"j" * 200_000, "image/jpeg")},
    ).json()
    assert got["form"] == {"note": "hello", "file": ["photo.jpg", "image/jpeg", 200_000]}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_other_methods_are_passed_on(server: RunningServer, method: str):
    got = server.client.request(method, "/_/api/describe/a/b").json()
    assert got["method"] == method and got["body"] is None


def test_answers_with_text_json_and_media(server: RunningServer):
    text = server.get("/_/api/text")
    assert (text.text, text.headers["content-type"]) == ("grüße", "text/plain; charset=utf-8")
    assert server.get("/_/api/plain-json").json() == [
        1,
        2.5,
        None,
        True,
        {"a": 12345678901234567890},
    ]
    media = server.get("/_/api/media")
    assert media.content == b"\x00\x01" * 50000
    assert media.headers["content-type"] == "image/x-test"
    assert media.headers["content-disposition"] == 'inline; filename="a%20_b_.png"'


def test_says_what_cannot_be_sent_over_http(server: RunningServer):
    response = server.get("/_/api/date")
    assert response.status_code == 500
    assert "Cannot send a Date object over HTTP as response['when'][0]" in response.text
    assert server.get("/_/api/form-from-api").status_code == 500


def test_status_and_headers_are_the_endpoints(server: RunningServer):
    response = server.get("/_/api/teapot")
    assert (response.status_code, response.text) == (418, "short")
    assert response.headers["x-kind"] == "pot"
    assert response.headers["content-type"] == "text/x-tea"


def test_an_endpoint_cannot_set_the_servers_cookies(server: RunningServer):
    cookies = httpx.get(server.url + "/_/api/cookies").headers.get_list("set-cookie")
    assert cookies == ["mine=1; Path=/", "other=2"]


def test_headers_cannot_be_split(server: RunningServer):
    response = server.get("/_/api/split")
    assert response.status_code == 500 and "x-b" not in response.headers


def test_asks_for_credentials(server: RunningServer):
    response = server.get("/_/api/members")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Basic realm="Anvil App API"'
    assert server.get("/_/api/members", auth=("a", "b:c")).json() == ["a", "b:c"]
    bad = server.get("/_/api/members", headers={"Authorization": "Basic !!!"})
    assert bad.status_code == 400


def test_cors_is_as_the_endpoint_says(server: RunningServer):
    foreign = {"Origin": "https://other.example", "Access-Control-Request-Headers": "X-One"}
    allowed = server.client.options("/_/api/open", headers=foreign)
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert allowed.headers["access-control-allow-headers"] == "content-type, x-one"
    refused = server.client.options("/_/api/text", headers=foreign)
    assert refused.status_code == 405
    assert "access-control-allow-origin" not in refused.headers


def test_an_error_tells_outsiders_nothing(server: RunningServer):
    response = server.get("/_/api/fails")
    assert response.status_code == 500
    assert response.text == "An exception was raised. Check the application logs for details."
    page = server.get("/broken", headers=HTML)
    assert page.status_code == 500 and "Something went wrong" in page.text
    assert "secret detail" not in page.text
    end = time.monotonic() + 10
    while not any("ValueError: secret detail" in line for line in server.log):
        assert time.monotonic() < end, "the operator is told"
        time.sleep(0.05)


def test_what_is_not_there_is_not_found(server: RunningServer):
    api = server.get("/_/api/nothing")
    assert (api.status_code, api.text) == (404, "No matching API endpoint")
    for path in ("/nothing", "/page", "/page/a/b", "/_/nothing", "/_/theme/no.css", "/text"):
        page = server.get(path, headers=HTML)
        assert page.status_code == 404, path
        if path != "/_/theme/no.css":
            assert "Page not found" in page.text


def test_routes_serve_pages(server: RunningServer):
    home = server.get("/")
    assert home.text == "<h1>Home</h1>" and home.headers["content-type"] == "text/html"
    assert server.get("/page/x").text == "page x"
    moved = server.get("/moved")
    assert (moved.status_code, moved.headers["location"]) == (303, "/elsewhere")


def test_head_is_get_without_the_body(server: RunningServer):
    for path in ("/", "/page/x", "/_/api/text", "/app", "/_/health"):
        response = server.client.head(path)
        assert response.status_code == 200, path
        assert response.content == b""
    assert server.client.head("/nothing").status_code == 404


def test_a_method_that_a_route_does_not_take(server: RunningServer):
    response = server.client.delete("/page/x", headers=HTML)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    assert "This cannot be done here" in response.text


def test_answers_are_not_guessed_at_and_not_framed(server: RunningServer):
    for path in ("/", "/app", "/_/health", "/nothing"):
        headers = server.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers


def boot_object(page: str) -> dict[str, object]:
    start = page.index('<script type="application/json"')
    text = page[page.index(">", start) + 1 : page.index("</script>", start)]
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_a_form_response_starts_the_app_at_that_form(server: RunningServer):
    server.client.cookies.clear()
    response = server.get("/app/contacts?tab=2")
    assert response.status_code == 200
    (cookie,) = response.headers.get_list("set-cookie")
    assert cookie.startswith("anvil-session=")
    text = json.dumps(boot_object(response.text))
    for part in ('"contacts"', '"tab": "2"', '"2026-01-02"', '"mac": "', "cG5n"):
        assert part in text, part


def test_a_capability_on_the_page_is_good_in_its_session(server: RunningServer):
    server.client.cookies.clear()
    text = json.dumps(boot_object(server.get("/app").text))
    mac = text[text.index('"mac": "') + 8 :].partition('"')[0]
    entry = {"path": ["args", 0], "type": ["Capability"], "scope": ["x", 1], "mac": mac}
    with server.browser(with_session=False) as browser:
        browser.send_call({"command": "anvil.private.echo"}, [None], {}, [entry])
        assert browser.last["objects"][0]["scope"] == ["x", 1]


def test_theme_assets_are_served(server: RunningServer):
    response = server.get("/_/theme/css/site.css")
    assert response.text == "body { color: red }"
    assert response.headers["content-type"].startswith("text/css")
    assert server.get("/_/theme/../anvil.yaml").status_code == 404
    assert server.get("/_/theme/%2e%2e/%2e%2e/anvil.yaml").status_code == 404


def test_a_body_that_is_too_large_is_refused(server: RunningServer):
    # The answer comes before the body has gone, so no other test is to have this connection.
    response = server.post(
        "/_/api/describe/a/b",
        content=b"x" * (limits.MAX_BODY_BYTES + 1),
        headers={"Connection": "close"},
    )
    assert response.status_code == 413 and "at most 32 MB" in response.text


def test_health_says_that_all_is_well(server: RunningServer):
    server.get("/page/x")
    response = server.get("/_/health")
    assert response.status_code == 200
    assert response.json()["ok"] is True and response.json()["server_code"] == {"ok": True}
