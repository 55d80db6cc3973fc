"""An app in a frame of another site, where browsers keep the session's cookie back."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from tests.app_server.running import Browser, CallFailed, RunningServer, open_socket, serve_app
from tests.app_server.test_http import boot_object

YAML = """
package_name: shop
allow_embedding: true
runtime_options: {version: 3, server_persist: true}
startup: {type: form, module: Home}
"""
SERVER = """
import anvil, anvil.server

@anvil.server.callable
def count():
    anvil.server.session["n"] = anvil.server.session.get("n", 0) + 1
    return anvil.server.session["n"]

@anvil.server.route("/count")
def count_route(**query):
    return str(count())

@anvil.server.callable
def address():
    media = anvil.server.call("anvil.private.mk_LazyMedia", "text/plain", "make_text")
    return media.get_url(False)

@anvil.server.callable
def make_text():
    return anvil.BlobMedia("text/plain", b"made when asked for")
"""
HOME = """
from ._anvil_designer import HomeTemplate
import anvil.server

class Home(HomeTemplate):
    def __init__(self, **properties):
        self.init_components(**properties)
        first = anvil.server.call("count")
        self.label_1.text = f"{first} {anvil.server.call('count')}"
"""
FILES: dict[str, str | bytes] = {
    "server_code/main.py": SERVER,
    "client_code/Home/__init__.py": HOME,
    "client_code/Home/form_template.yaml": (
        "container: {type: ColumnPanel}\ncomponents:\n"
        "- {name: label_1, type: Label, layout_properties: {grid_position: 'A,B'}}\n"
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve_app(tmp_path_factory.mktemp("embed"), FILES, anvil_yaml=YAML) as running:
        yield running


def open_with(server: RunningServer, address: str, **headers: str) -> Browser:
    path = "/" + address.removeprefix("/")
    return Browser(open_socket(server.port, path, "localhost", headers or None))


def visit(server: RunningServer) -> tuple[str, str]:
    """The address of the socket on a new visitor's page, and the cookie that came with it."""
    page = httpx.get(server.url + "/", headers={"Accept": "text/html"})
    cookie = page.headers["set-cookie"].partition(";")[0]
    return str(boot_object(page.text)["socketUrl"]), cookie


def test_the_token_on_the_page_opens_its_session(server: RunningServer):
    address, _ = visit(server)
    assert address.startswith("_/ws?_anvil_session=")
    assert open_with(server, address).call("count") == 1
    again = open_with(server, address)
    assert again.call("count") == 2
    url = urlsplit(again.call("address"))
    media = httpx.get(f"{server.url}{url.path}?{url.query}")
    assert media.text == "made when asked for"
    assert httpx.get(f"{server.url}{url.path}").status_code == 404


def test_a_forged_token_opens_nothing(server: RunningServer):
    address, _ = visit(server)
    for wrong in (address[:-1] + ("0" if address[-1] != "0" else "1"), "_/ws?_anvil_session=x"):
        with pytest.raises(CallFailed) as failure:
            open_with(server, wrong).call("count")
        assert failure.value.type == "anvil.server.SessionExpiredError"


def test_a_token_ends_when_the_browser_shows_its_cookie(server: RunningServer):
    address, cookie = visit(server)
    assert open_with(server, address, Cookie=cookie).call("count") == 1
    with pytest.raises(CallFailed):
        open_with(server, address).call("count")
    assert open_with(server, address, Cookie=cookie).call("count") == 2


def test_a_link_with_a_token_puts_nobody_into_a_session(server: RunningServer):
    """Else a link could have its follower act in the session of who made it."""
    address, _ = visit(server)
    query = address.partition("?")[2]
    open_with(server, address).call("count")
    assert httpx.get(f"{server.url}/count?{query}").text == "1"


def test_an_app_that_is_not_embedded_has_no_tokens(tmp_path: Path):
    yaml = YAML.replace("allow_embedding: true\n", "")
    with serve_app(tmp_path, FILES, anvil_yaml=yaml) as server:
        page = httpx.get(server.url + "/")
        assert boot_object(page.text)["socketUrl"] == "_/ws"
        assert page.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("is_embedded", [True, False])
def test_an_app_may_bring_a_policy_for_its_page(tmp_path: Path, is_embedded: bool):
    """As meta field; who may frame the page is not for it to say."""
    yaml = YAML if is_embedded else YAML.replace("allow_embedding: true\n", "")
    frames = "" if is_embedded else "; frame-ancestors 'none'"
    policy = "script-src 'self'; object-src 'none'"
    own = yaml + f'metadata: {{content-security-policy: "{policy}"}}\n'
    for number, (text, expected) in enumerate(
        [(own, policy), (yaml, "object-src 'none'; base-uri 'self'")]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        with serve_app(folder, FILES, anvil_yaml=text) as server:
            page = httpx.get(server.url + "/")
        assert page.headers["content-security-policy"] == expected + frames
        assert "script-src" not in page.text


def test_the_app_works_in_a_frame_of_another_site(
    server: RunningServer, chromium: Chromium, runtime: None, tmp_path: Path
):
    (tmp_path / "index.html").write_text(f'<iframe src="{server.url}/" width="500"></iframe>')
    handler = partial(QuietHandler, directory=str(tmp_path))
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    page = chromium.new_page()
    try:
        page.goto(f"http://127.0.0.1:{site.server_port}/index.html")
        frame = page.frame_locator("iframe")
        expect(frame.get_by_text("1 2")).to_be_visible(timeout=30_000)
    finally:
        page.close()
        site.shutdown()
        site.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass
