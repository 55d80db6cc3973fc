"""Endpoints and routes with all their options, and what they may answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.app_server.running import Browser, RunningServer, serve_app
from tests.app_server.test_http import boot_object
from tests.app_server.uplinks import run_uplink

YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
startup: {type: form, module: Home}
services:
- source: /runtime/services/tables.yml
  client_config: {enable_v2: true}
- source: /runtime/services/anvil/users.yml
  client_config: {use_email: true, allow_signup: true, enable_automatically: true}
  server_config: {user_table: users}
db_schema:
  users:
    title: Users
    client: none
    server: full
    columns:
    - {name: email, type: string}
    - {name: enabled, type: bool}
  files:
    title: Files
    client: none
    server: full
    columns:
    - {name: content, type: media}
"""
SERVER = """
import anvil, anvil.server, anvil.users, datetime
from anvil.tables import app_tables
from . import counter
from anvil.server import AppResponder, HttpResponse

@anvil.server.http_endpoint("/me", authenticate_users=True)
def me():
    return [anvil.server.request.user["email"], anvil.server.request.username]

@anvil.server.http_endpoint("/old-me", authenticate_user=True)
def old_me():
    return anvil.server.request.user["email"]

@anvil.server.route("/sign-up/:email")
def sign_up(email):
    anvil.users.signup_with_email(email, "correct horse battery")
    return "welcome"

@anvil.server.http_endpoint("/partner", enable_cors="https://partner.example", methods=["PUT"])
def partner():
    return HttpResponse(201, {"made": True}, {"X-Made": "yes"})

@anvil.server.http_endpoint("/number/:n", methods=["GET", "POST"])
def number(n, **more):
    return {"n": n, "more": more, "json": anvil.server.request.body_json}

@anvil.server.wellknown_endpoint("/security.txt")
def security():
    return "Contact: mailto:" + anvil.server.request.path

@anvil.server.wellknown_endpoint("/user/:name")
def known_user(name):
    return name

@anvil.server.http_endpoint("/nobody-there")
def nobody_there():
    return anvil.server.call("not there either")

@anvil.server.route("/with-data")
def with_data():
    return AppResponder(data={"day": datetime.date(2026, 3, 1)}, meta={"title": "Special",
                        "og:image": "asset:a.png", "robots": "noindex"}).load_app()

@anvil.server.route("/with-form/:kind")
def with_form(kind):
    return AppResponder(data=[1]).load_form("Other", kind, size=2)

@anvil.server.route("/with-module")
def with_module():
    return AppResponder().load_module("start_here")

@anvil.server.route("/addresses")
def addresses():
    return [anvil.server.get_app_origin(), anvil.server.get_api_origin(),
            anvil.server.get_app_origin("published")]

@anvil.server.route("/context")
def context():
    c = anvil.server.context
    return [c.type, c.client.type, c.client.ip, c.remote_caller.type, c.remote_caller.is_trusted]

@anvil.server.callable
def nested_context():
    c = anvil.server.context
    return [c.type, c.client.type, c.remote_caller.type, c.remote_caller.is_trusted,
            [frame.type for frame in c.call_stack], c.background_task_id]

@anvil.server.callable
def outer_context():
    return anvil.server.call("nested_context")

@anvil.server.http_endpoint("/kept-file")
def kept_file():
    content = anvil.BlobMedia("image/x-digits", b"0123456789" * 50_000, name="digits.txt")
    row = app_tables.files.get() or app_tables.files.add_row(content=content)
    return row["content"]

@anvil.server.http_endpoint("/kept-file-made")
def kept_file_made():
    return HttpResponse(201, kept_file(), {"Cache-Control": "max-age=9"})

@anvil.server.callable
def my_id():
    return anvil.server.get_session_id()

@anvil.server.background_task
def shout(session_id):
    anvil.server.raise_event("shout", anvil.server.context.client.type, session_id=session_id)

@anvil.server.callable
def launch(name, *args):
    return anvil.server.launch_background_task(name, *args).get_id()

@anvil.server.callable
def listen(channel):
    anvil.server.subscribe(channel)

@anvil.server.callable
def deafen(channel):
    anvil.server.unsubscribe(channel)
    return anvil.server.get_subscriptions()

@anvil.server.callable
def tell(name, payload, **target):
    anvil.server.raise_event(name, payload, **target)

@anvil.server.callable
def fill_session(size):
    anvil.server.session["big"] = "x" * size

@anvil.server.callable
def read_session():
    return len(anvil.server.session.get("big", ""))

@anvil.server.callable
def keep_day():
    anvil.server.cookies.local["day"] = datetime.date(2026, 4, 5)
    anvil.server.cookies.local["none"] = None
    anvil.server.cookies.local.set(-1, gone=1)

@anvil.server.callable
def kept_day():
    cookies = anvil.server.cookies.local
    day = cookies["day"]
    return [type(day).__name__, day.isoformat(), cookies.get("none", "nothing"),
            cookies.get("gone", "nothing")]

@anvil.server.callable
def keep_media():
    anvil.server.cookies.local["picture"] = anvil.BlobMedia("image/png", b"png")
"""
COUNTER = """
import anvil.server

@anvil.server.portable_class
class Counter:
    def __init__(self, n):
        self.n = n

    @anvil.server.server_method
    def double(self):
        return self.n * 2

    @anvil.server.server_method(require_user=True)
    def secret(self):
        return "secret"

    @anvil.server.server_method
    @classmethod
    def make(cls, n):
        return cls(n)
"""
FORM = "<anvil-form></anvil-form>"
KEY = "uplink-key-of-this-test"


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, module_database_url: str
) -> Iterator[RunningServer]:
    files: dict[str, str | bytes] = {
        "server_code/main.py": SERVER,
        "client_code/start_here.py": "x = 1",
        "client_code/counter.py": COUNTER,
        "theme/assets/a.png": b"png",
    }
    for name in ("Home", "Other"):
        files[f"client_code/{name}/__init__.py"] = f"class {name}: pass"
        files[f"client_code/{name}/form_template.html"] = FORM
    folder = tmp_path_factory.mktemp("endpoints")
    with serve_app(
        folder,
        files,
        "--auto-migrate",
        f"--uplink-key={KEY}",
        database_url=module_database_url,
        anvil_yaml=YAML,
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_is_known(server: RunningServer) -> None:
    server.client.cookies.clear()


def test_users_authenticate_by_password_or_session(server: RunningServer):
    for path in ("/_/api/me", "/_/api/old-me"):
        refused = server.get(path)
        assert refused.status_code == 401 and refused.text == "Unauthorized"
        assert refused.headers["www-authenticate"] == 'Basic realm="Anvil App API"'
    assert server.get("/sign-up/olga@example.com").text == "welcome"
    assert server.get("/_/api/me").json() == ["olga@example.com", None]
    server.client.cookies.clear()
    right = ("olga@example.com", "correct horse battery")
    assert server.get("/_/api/me", auth=right).json() == ["olga@example.com", right[0]]
    assert server.get("/_/api/old-me", auth=right).text == "olga@example.com"
    server.client.cookies.clear()
    assert server.get("/_/api/me", auth=(right[0], "wrong")).status_code == 401


def test_cors_for_one_origin(server: RunningServer):
    asked = {"Origin": "https://partner.example", "Access-Control-Request-Method": "PUT"}
    preflight = server.client.options("/_/api/partner", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://partner.example"
    answer = server.client.put("/_/api/partner", headers=asked)
    assert (answer.status_code, answer.json()) == (201, {"made": True})
    assert answer.headers["access-control-allow-origin"] == "https://partner.example"
    assert answer.headers["x-made"] == "yes"
    assert server.get("/_/api/partner").headers["allow"] == "PUT"


def test_parameters_of_path_query_form_and_body(server: RunningServer):
    both = server.post("/_/api/number/7?n=8&q=1", data={"f": "2", "q": "3"}).json()
    assert both == {"n": "7", "more": {"f": "2", "q": "1"}, "json": None}
    body = server.post("/_/api/number/7", json={"a": [None]}).json()
    assert body["json"] == {"a": [None]} and body["more"] == {}
    other = server.post("/_/api/number/7", content=b"{}", headers={"Content-Type": "text/plain"})
    assert other.json()["json"] is None
    assert server.post("/_/api/number/7/8").status_code == 404


def test_well_known_addresses(server: RunningServer):
    assert server.get("/.well-known/security.txt").text == "Contact: mailto:/security.txt"
    assert server.get("/.well-known/user/olga").text == "olga"
    assert server.get("/.well-known/nothing").status_code == 404
    script = """
@anvil.server.wellknown_endpoint("/from-uplink/:name")
def from_uplink(name):
    return "hello " + name
connect()
tell("ready")
anvil.server.wait_forever()
"""
    with run_uplink(server.port, KEY, script) as uplink:
        uplink.hear()
        assert server.get("/.well-known/from-uplink/mia").text == "hello mia"
    assert server.get("/.well-known/security.txt").status_code == 200


def test_a_function_that_is_missing_inside_is_no_404(server: RunningServer):
    assert server.get("/_/api/nobody-there").status_code == 500


def test_an_app_response_says_what_starts(server: RunningServer):
    data = server.get("/with-data")
    assert "<title>Special</title>" in data.text
    assert '<meta name="robots" content="noindex">' in data.text
    assert '<meta property="og:image" content="_/theme/a.png">' in data.text
    boot = boot_object(data.text)
    assert "2026-03-01" in json.dumps(boot["message"])
    assert boot["open"] == {"form": "Home"}
    form = boot_object(server.get("/with-form/round").text)
    assert form["open"] == {"form": "Other"}
    assert form["message"]["args"] == ["round"] and form["message"]["kwargs"] == {"size": 2}
    assert form["message"]["data"] == [1]
    assert boot_object(server.get("/with-module").text)["open"] == {"module": "shop.start_here"}


def test_addresses_of_the_app(server: RunningServer):
    origin = f"http://localhost:{server.port}"
    assert server.get("/addresses").json() == [origin, origin + "/_/api", origin]


def test_the_context_tells_who_calls(server: RunningServer):
    assert server.get("/context").json() == ["server_module", "http", "127.0.0.1", "http", False]
    with server.browser() as browser:
        direct = browser.call("nested_context")
        assert direct == ["server_module", "browser", "browser", False, ["browser"], None]
        nested = browser.call("outer_context")
        stack = ["server_module", "browser"]
        assert nested == ["server_module", "browser", "server_module", True, stack, None]


def next_event(browser: Browser) -> dict[str, object]:
    """The next event that a browser has got; other messages are passed over."""
    while True:
        updates = browser.updates
        message = updates.pop(0) if updates else json.loads(browser.socket.recv(timeout=20))
        if "event" in message:
            return message["event"]


def test_events_come_from_tasks_uplinks_and_other_sessions(server: RunningServer):
    with server.browser() as hearer:
        session_id = hearer.call("my_id")
        hearer.call("launch", "shout", session_id)
        assert next_event(hearer) == {"name": "shout", "payload": "background_task"}
        hearer.call("listen", "news")
        script = """
connect()
anvil.server.raise_event("headline", {"n": 1}, channel="news")
tell("told")
"""
        with run_uplink(server.port, KEY, script) as uplink:
            uplink.hear()
        assert next_event(hearer) == {"name": "headline", "payload": {"n": 1}}
        server.client.cookies.clear()
        with server.browser() as teller:
            teller.call("tell", "to-many", [1], session_ids=[session_id, "nobody"])
            assert next_event(hearer) == {"name": "to-many", "payload": [1]}
            assert hearer.call("deafen", "news") == []
            teller.call("tell", "unheard", 1, channel="news")
            teller.call("tell", "own", None)
            assert next_event(teller) == {"name": "own", "payload": None}
            teller.call("tell", "last", 1, session_id=session_id)
        assert next_event(hearer)["name"] == "last", "and nothing between"


def test_a_session_holds_only_so_much(server: RunningServer):
    with server.browser() as browser:
        browser.call("fill_session", 500_000)
        with pytest.raises(Exception, match="anvil.server.session can hold at most") as failure:
            browser.call("fill_session", 2_000_000)
        assert failure.value.type == "anvil.server.QuotaExceededError"
        assert browser.call("read_session") == 500_000, "it stays as it was"


def test_cookies_keep_what_can_travel(server: RunningServer):
    with server.browser() as browser:
        browser.call("keep_day")
        assert browser.call("kept_day") == ["date", "2026-04-05", "nothing", "nothing"]
        with pytest.raises(Exception, match="Cannot store Media in cookies"):
            browser.call("keep_media")
    with server.browser() as later:
        assert later.call("kept_day")[1] == "2026-04-05"


def test_a_cookie_that_is_on_its_way_is_not_lost(server: RunningServer):
    """One tab sets a cookie over its socket; before it fetches it, another tab asks for a page."""
    with server.browser() as browser:
        browser.fetch_cookies = lambda ticket: None
        browser.call("keep_day")
        with server.browser() as another:
            assert another.call("kept_day")[1] == "2026-04-05"
            assert server.get("/addresses").status_code == 200
        assert server.post("/_/request_cookies").status_code == 200
    with server.browser() as later:
        assert later.call("kept_day")[1] == "2026-04-05"


def test_methods_of_a_portable_class_run_on_the_server(server: RunningServer):
    """As the browser's library sends them: the object, or the class, is the first argument."""
    side = "anvil.server_side/shop.counter.Counter."
    value = {"path": ["args", 0], "type": ["ValueType"], "typeName": "shop.counter.Counter"}
    kind = {"path": ["args", 0], "type": ["ClassType"], "typeName": "shop.counter.Counter"}
    with server.browser() as browser:

        def call(method: str, first: object, entry: dict[str, object], *args: object) -> object:
            target = {"command": side + method}
            return browser.send_call(target, [first, *args], {}, [entry])

        assert call("double", {"n": 21}, value) == 42
        made = call("make", None, kind, 5)
        assert made == {"n": 5} and browser.last["objects"][0]["typeName"] == value["typeName"]
        with pytest.raises(Exception, match="must be logged in"):
            call("secret", {"n": 1}, value)
        with pytest.raises(Exception, match="must be an instance of Counter"):
            browser.call(side + "double", {"n": 21})


def test_media_of_a_table_are_sent_as_they_are_read(server: RunningServer):
    whole = server.get("/_/api/kept-file")
    assert whole.content == b"0123456789" * 50_000
    assert whole.headers["content-length"] == "500000"
    assert whole.headers["content-disposition"] == 'inline; filename="digits.txt"'
    assert "content-security-policy" not in whole.headers
    part = server.get("/_/api/kept-file", headers={"Range": "bytes=12-14"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 12-14/500000"
    assert server.client.head("/_/api/kept-file").headers["content-length"] == "500000"
    made = server.get("/_/api/kept-file-made", headers={"Range": "bytes=12-14"})
    assert (made.status_code, len(made.content)) == (201, 500_000)
    assert made.headers["cache-control"] == "max-age=9"
