"""Capabilities and live objects: nobody can make them, or use another's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_server.wire.macs import InvalidObjectError, MacKey
from tests.app_server.running import Browser, CallFailed, RunningServer, serve_app

SERVER = """
import anvil.server
from anvil.server import Capability

@anvil.server.callable
def hand_out(*scope):
    return Capability(list(scope))

@anvil.server.callable
def open_up(cap):
    return cap.scope

@anvil.server.callable
def open_nested(cap):
    return anvil.server.call("open_up", cap)

@anvil.server.callable
def update(cap):
    cap.send_update({"name": "new"})

@anvil.server.callable
def invalidate():
    anvil.server.invalidate_client_objects()

@anvil.server.callable
def log_out_everywhere():
    anvil.server.session["n"] = 1

@anvil.server.callable
def forge_reserved():
    return anvil.server.call("anvil.private.echo", Capability(["_", "t", 1], mac="0" * 64))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve_app(tmp_path_factory.mktemp("objects"), {"server_code/main.py": SERVER}) as running:
        yield running


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    server.client.cookies.clear()
    with server.browser() as connected:
        yield connected


def get_capability(browser: Browser, *scope: Any) -> dict[str, Any]:
    browser.call("hand_out", *scope)
    (entry,) = browser.last["objects"]
    return dict(entry)


def present(browser: Browser, entry: dict[str, Any], function: str = "open_up") -> Any:
    sent = [{**entry, "path": ["args", 0]}]
    return browser.send_call({"command": function}, [None], {}, sent)


def test_a_capability_comes_back_as_it_went(browser: Browser):
    entry = get_capability(browser, "order", 7, {"may": ["read"]})
    assert len(entry["mac"]) == 32
    assert present(browser, entry) == ["order", 7, {"may": ["read"]}]
    assert present(browser, entry, "open_nested") == ["order", 7, {"may": ["read"]}]


def test_a_capability_may_be_narrowed_but_not_widened(browser: Browser):
    entry = get_capability(browser, "order", 7)
    assert present(browser, {**entry, "narrow": ["item", 1]}) == ["order", 7, "item", 1]
    with pytest.raises(CallFailed):
        present(browser, {**entry, "scope": ["order"], "narrow": [7]})


@pytest.mark.parametrize(
    "change",
    [
        {"scope": ["order", 8]},
        {"scope": ["order", "7"]},
        {"scope": []},
        {"scope": "order"},
        {"mac": None},
        {"mac": "0" * 64},
        {"mac": 5},
        {"mac": "ü" * 32},
    ],
)
def test_a_forged_capability_is_refused(browser: Browser, change: dict[str, Any]):
    entry = get_capability(browser, "order", 7)
    for function in ("open_up", "anvil.private.echo"):
        with pytest.raises(CallFailed) as failure:
            present(browser, {**entry, **change}, function)
        assert failure.value.type == "anvil.server.InvalidObjectError"


def test_a_capability_of_another_session_is_refused(server: RunningServer, browser: Browser):
    entry = get_capability(browser, "order", 7)
    with server.browser() as same_session:
        assert present(same_session, entry) == ["order", 7]
    server.client.cookies.clear()
    with server.browser() as stranger, pytest.raises(CallFailed) as failure:
        present(stranger, entry)
    assert failure.value.type == "anvil.server.InvalidObjectError"


def test_invalidating_ends_what_was_handed_out(browser: Browser):
    entry = get_capability(browser, "order", 7)
    browser.call("invalidate")
    assert any("invalidate-macs" in update for update in browser.updates)
    with pytest.raises(CallFailed) as failure:
        present(browser, entry)
    assert failure.value.type == "anvil.server.InvalidObjectError"
    assert present(browser, get_capability(browser, "order", 7)) == ["order", 7]


def test_updates_of_a_capability_reach_its_holder(browser: Browser):
    present(browser, get_capability(browser, "order", 7), "update")
    assert browser.last["capUpdates"] == {'["order", 7]': {"name": "new"}}


def test_server_code_cannot_make_capabilities_of_the_server_itself(browser: Browser):
    with pytest.raises(CallFailed, match="not valid"):
        browser.call("forge_reserved")


def test_a_forged_live_object_is_refused(browser: Browser):
    spec = {"backend": "anvil.private.BackgroundTask", "id": '"x"', "permissions": []}
    for mac in (None, "0" * 64):
        with pytest.raises(CallFailed) as failure:
            browser.send_call({"liveObjectCall": {**spec, "mac": mac, "method": "get_id"}}, [])
        assert failure.value.type == "anvil.server.InvalidObjectError"
        entry = {**spec, "type": ["LiveObject"], "path": ["args", 0], "mac": mac}
        with pytest.raises(CallFailed) as failure:
            present(browser, entry, "anvil.private.echo")
        assert failure.value.type == "anvil.server.InvalidObjectError"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(JSON, min_size=1), st.lists(JSON, min_size=1), st.binary(min_size=1))
def test_a_mac_belongs_to_one_scope_and_one_key(first: list[Any], second: list[Any], other: bytes):
    key = MacKey(b"key")
    mac = key.sign_capability(first)
    key.check_capability({"scope": first, "mac": mac}, is_trusted=False)
    if first != second or repr(first) != repr(second):
        same = [first, True] == [second, True] and _typed(first) == _typed(second)
        if not same:
            with pytest.raises(InvalidObjectError):
                key.check_capability({"scope": second, "mac": mac}, is_trusted=False)
    if other != b"key":
        with pytest.raises(InvalidObjectError):
            MacKey(other).check_capability({"scope": first, "mac": mac}, is_trusted=True)


def _typed(value: Any) -> Any:
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    return (type(value), value)


def test_a_mac_survives_the_way_through_a_browser():
    key = MacKey(b"key")
    mac = key.sign_capability(["t", {"b": 1.0, "a": 2}])
    key.check_capability({"scope": ["t", {"a": 2, "b": 1}], "mac": mac}, is_trusted=False)
