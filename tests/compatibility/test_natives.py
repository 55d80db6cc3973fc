"""The functions that Anvil's Python calls on the server: there, or refused as the page says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from app_server.instance import load_natives
from app_server.native import find_native
from tests.app_server.running import CallFailed, RunningServer
from tests.compatibility.names import read

LISTED = read("natives")
PREFIX = "anvil.private."
WORDS = re.compile(r"anvil\.private\.[\w.!]*\w!?")


def names(part: str) -> list[str]:
    prefixes = {"core": PREFIX, "bare": ""}
    return [
        prefixes.get(area, f"{PREFIX}{area}.") + name
        for area, entries in LISTED[part].items()
        for name in entries
    ]


@pytest.fixture(scope="module", autouse=True)
def natives() -> None:
    load_natives()


@pytest.mark.parametrize("part", ["works", "refused"])
def test_functions_are_there(part: str) -> None:
    assert [name for name in names(part) if find_native(name) is None] == []


def test_all_that_are_there_are_listed() -> None:
    from app_server.native import registry

    assert set(registry._functions) == {*names("works"), *names("refused")}


def test_what_is_lacking_says_so(shop: RunningServer) -> None:
    with shop.browser() as visitor:
        for name in LISTED["not there"]:
            if name == "reset_session":
                continue  # the socket answers it
            with pytest.raises(CallFailed) as refused:
                visitor.call(PREFIX + name)
            assert refused.value.type == "anvil.server.NoServerFunctionError"
            assert f'"{PREFIX}{name}"' in str(refused.value.message)


def test_all_that_the_published_python_calls_is_listed() -> None:
    others = [*LISTED["not there"], *LISTED["in the library"]]
    known = {*names("works"), *names("refused"), *(PREFIX + one for one in others)}
    spec = importlib.util.find_spec("anvil_downlink_worker")
    assert spec is not None and spec.origin is not None
    called: set[str] = set()
    for file in Path(spec.origin).parent.rglob("*.py"):
        called |= set(WORDS.findall(file.read_text("utf-8")))
    prefixes = {name for name in called if any(one.startswith(f"{name}.") for one in known)}
    assert called - prefixes - known == set()
