"""`anvil.history`: locations, going to them, and hearing of it."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import MakeServer, RunModule


def test_locations_are_taken_apart_and_put_together(run_module: RunModule) -> None:
    lines = run_module(
        """
        from anvil.history import Location
        search = "tea=green&size=2"
        place = Location(path="shelf", search=search, hash="top", state={"a": 1}, key="k")
        print(place, place.path, place["search"], place.hash, place.state, place.key)
        full = place.get_url(True)
        print(place.search_params, place.get_url(), full.endswith("/shelf?tea=green&size=2#top"))
        other = Location.from_url("/app/x?y=%20z#h")
        print(other, other.search_params, len(other.key) > 3, other == dict(other))
        try:
            Location.from_url("http://[")
        except ValueError as error:
            print(error)
        print(Location.from_url(place.get_url(True)).path, isinstance(place, dict))
        """
    )
    assert lines == [
        "/shelf?tea=green&size=2#top /shelf ?tea=green&size=2 #top {'a': 1} k",
        "{'tea': 'green', 'size': '2'} /shelf?tea=green&size=2#top True",
        "/app/x?y=%20z#h {'y': ' z'} True True",
        "Invalid URL: http://[",
        "/shelf True",
    ]


STARTUP = """
import anvil.server
from anvil import *
from anvil.history import Location, history, hash_history
from anvil.js import window

heard = []

def listener(action, location, delta):
    heard.append([action, str(location), location.state, delta])
    window.heard = heard
    if location.path == "/slow":
        anvil.server.call("slow")
        heard.append("answered")
        window.heard = heard

class Api:
    pass

stop = history.listen(listener)
window.stop = stop
window.push = lambda url, state: history.push(Location.from_url(url, state=state))
window.swap = lambda url: history.replace(Location.from_url(url))
window.where = lambda: [str(history.location), history.location.state, history.action]
window.hashGo = lambda path: hash_history.push(Location(path))
window.hashWhere = lambda: str(hash_history.location)
window.ready = True
"""


def test_the_history_goes_and_tells(make_server: MakeServer, page: Page) -> None:
    server = make_server({"client_code/startup.py": STARTUP})
    server.silent.add("slow")
    page.goto(server.url)
    page.wait_for_function("() => window.ready")
    assert page.evaluate("where()") == ["/", None, "POP"]
    page.evaluate("push('/app/a?b=1#c', {n: 1})")
    assert page.url == server.url + "/app/a?b=1#c"
    assert page.evaluate("where()") == ["/app/a?b=1#c", {"n": 1}, "PUSH"]
    page.evaluate("swap('/app/d')")
    page.go_back()
    page.go_forward()
    page.wait_for_function("() => heard.length === 4")
    assert page.evaluate("heard") == [
        ["PUSH", "/app/a?b=1#c", {"n": 1}, 1],
        ["REPLACE", "/app/d", None, 0],
        ["POP", "/", None, -1],
        ["POP", "/app/d", None, 1],
    ]
    # A listener that waits for the server does not keep the one who goes waiting.
    page.evaluate("async () => { await push('/slow', null); heard.push('gone'); }")
    assert page.evaluate("heard.at(-1)") == "gone"
    page.evaluate("() => { stop(); push('/app/unheard', null) }")
    assert page.evaluate("where()[0]") == "/app/unheard"
    assert not any("unheard" in str(entry) for entry in page.evaluate("heard"))
    page.evaluate("hashGo('/in/hash')")
    assert page.url == server.url + "/app/unheard#/in/hash"
    assert page.evaluate("hashWhere()") == "/in/hash"
