"""The sockets of browsers and uplinks, fed with anything: each frame is served, refused or ends its
own socket; nobody else notices, and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import struct
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.errors import NonInteractiveExampleWarning

from app_server.config import InstanceConfig
from app_server.hosting import Hosting
from app_server.instance import Instance, load_natives
from app_server.native import registry
from app_server.wire.payload import KNOWN_TYPES
from app_server.workers import Workers
from tests.app_server.running import write_files
from tests.hard.crowd import Tab, frame, size_of
from tests.hard.serving import served
from tests.hard.test_payload import entries, values

EXAMPLES = size_of("FUZZ", 60)
UPLINK_KEYS = {"server": "server-key", "client": "client-key"}
ANVIL_YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
services:
  - source: /runtime/services/tables.yml
    server_config: {}
  - source: /runtime/services/anvil/users.yml
    server_config: {user_table: users}
    client_config: {use_email: true, allow_signup: true, enable_automatically: true}
db_schema:
  users:
    client: none
    server: full
    columns:
      - {name: email, type: string}
      - {name: enabled, type: bool}
      - {name: password_hash, type: string}
      - {name: last_login, type: datetime}
  notes:
    client: full
    server: full
    columns: [{name: text, type: string}, {name: number, type: number}]
"""
SERVER = """
import anvil.server

@anvil.server.callable
def echo(value):
    return value
"""
NATIVES = (
    "anvil.private.echo",
    "anvil.private.tables.v2.get_app_tables",
    "anvil.private.users.login_with_email",
    "echo",
)
PASSING = ("BrowserLink", "UplinkLink", "MediaStream", "CallStack", "Payload", "BoundedSocket")
"""Classes whose objects go with their connection or call."""
SLOW = frozenset({"anvil.private._sleep"})


@pytest.fixture
async def instance(tmp_path: Path, database_url: str) -> AsyncIterator[Instance]:
    load_natives()
    files: dict[str, str | bytes] = {"anvil.yaml": ANVIL_YAML, "server_code/main.py": SERVER}
    app = write_files(tmp_path / "shop", files)
    (tmp_path / "data").mkdir()
    config = InstanceConfig(
        "shop",
        app,
        tmp_path / "data",
        "http://localhost:1",
        database=database_url,
        auto_migrate=True,
        uplink_key=UPLINK_KEYS["server"],
        client_uplink_key=UPLINK_KEYS["client"],
        requests_per_second=0,
    )
    workers = Workers()
    made = Instance(config, workers)
    workers.start()
    try:
        await made.start()
        yield made
        await made.stop()
    finally:
        await workers.stop()


class Faults(logging.Handler):
    """What nobody foresaw: it is logged with a trace, or as a task that failed. Keeps text only;
    pytest's own handlers would keep the errors, and all that those hold."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        is_ours = record.name != "app_server.instance"  # the browser's files need not be built
        if is_ours and (record.exc_info or "task failed" in text):
            self.found.append(logging.Formatter().format(record))


@contextlib.asynccontextmanager
async def quiet() -> AsyncIterator[None]:
    """Nothing happens in the block that nobody foresaw."""
    root = logging.getLogger()
    handlers, level, made = root.handlers[:], root.level, Faults()
    root.handlers[:] = [made]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert not made.found, made.found[0]


names = st.sampled_from(NATIVES) | st.text(max_size=5)
calls = st.fixed_dictionaries(
    {
        "type": st.just("CALL"),
        "id": st.sampled_from(["a", "b"]) | values,
        "command": names | values,
    },
    optional={
        "args": st.lists(values, max_size=3) | values,
        "kwargs": st.dictionaries(st.text(max_size=3), values, max_size=2) | values,
        "objects": st.lists(entries, max_size=3) | values,
        "liveObjectCall": values,
        "v": values,
        "vt_global": values,
        "call-stack-id": values,
        "sessionData": values,
    },
)
chunk_headers = st.fixed_dictionaries(
    {"type": st.just("CHUNK_HEADER")},
    optional={
        "requestId": st.sampled_from(["a", "b"]) | values,
        "mediaId": st.sampled_from(["m"]) | values,
        "lastChunk": st.booleans() | values,
        "chunkIndex": values,
    },
)
others = st.fixed_dictionaries(
    {"type": st.sampled_from(["LOG", "MEDIA_ERROR", "REGISTER", "DRAIN", "GET_APP"]) | values},
    optional={
        "error": values,
        "warning": values,
        "print": values,
        "mediaIds": values,
        "requestId": values,
        "cause": values,
        "name": st.text(max_size=5),
        "id": values,
        "response": values,
        "output": values,
    },
)
media_calls = st.sampled_from(sorted(KNOWN_TYPES)).map(
    lambda kind: {
        "type": "CALL",
        "id": "a",
        "command": "echo",
        "args": [None],
        "objects": [{"type": [kind], "path": ["args", 0], "id": "m", "value": "7"}],
    }
)
texts = st.one_of(
    (calls | chunk_headers | others | media_calls).map(json.dumps), st.text(max_size=20)
)
frames = st.one_of(
    texts.map(lambda text: frame(1, text.encode("utf-8", "surrogatepass"))),
    st.binary(max_size=50).map(lambda data: frame(2, data)),
    st.sampled_from(["a", "m"]).map(
        lambda media: (
            frame(
                1, json.dumps({"type": "CHUNK_HEADER", "requestId": "a", "mediaId": media}).encode()
            )
            + frame(2, b"abc")
        )
    ),
    st.builds(frame, st.sampled_from([1, 2, 9, 10, 3, 11]), st.binary(max_size=9)),
)
conversations = st.lists(frames, min_size=1, max_size=6)
# Not as RFC 6455 wants it: a frame may never be complete.
broken = st.lists(frames | st.binary(max_size=20), min_size=1, max_size=4)


def examples(strategy: Any, number: int) -> list[Any]:
    """The same ones in every run."""
    import warnings

    from hypothesis import HealthCheck, Phase, given, seed, settings

    drawn: list[Any] = []

    @seed(7)
    @settings(
        max_examples=number,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(strategy)
    def draw(value: Any) -> None:
        drawn.append(value)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        draw()
    return drawn


async def feed(tab: Tab, conversation: list[bytes]) -> None:
    """Send it all, and then ask for something plain: it is answered, or the socket was closed."""
    with contextlib.suppress(ConnectionError):
        for data in conversation:
            tab.writer.write(data)
        message = {
            "type": "CALL",
            "id": "end",
            "v": 1,
            "command": "anvil.private.echo",
            "args": [1],
        }
        tab.send_text(json.dumps(message))
        async with asyncio.timeout(20):
            while True:
                answer = await tab.receive()
                if answer[:1] == b"{" and json.loads(answer).get("id") == "end":
                    break
    tab.drop()


async def uplink_hello(tab: Tab, key: str) -> None:
    tab.send_text(json.dumps({"key": key, "v": 7}))
    assert json.loads(await tab.receive())["auth"] == "OK"


async def settled(instance: Instance, server: Any) -> int:
    """Number of tasks once nothing is being done."""
    async with asyncio.timeout(30):
        while server.connections or instance.calls or instance.links:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    return len(asyncio.all_tasks())


@pytest.mark.parametrize("kind", ["browser", "server", "client"])
async def test_anything_may_come_over_a_socket(instance: Instance, kind: str):
    hosting = Hosting()
    hosting.serve_only(instance)
    async with served(hosting) as server, quiet():
        cookie = ""

        async def open_tab() -> Tab:
            if kind == "browser":
                return await Tab(server.port).open(cookie)
            tab = Tab(server.port)
            tab.path = "/_/uplink"
            await tab.open()
            await uplink_hello(tab, UPLINK_KEYS[kind])
            return tab

        witness = await Tab(server.port).open()
        await witness.call("anvil.private.reset_session")
        cookie = witness.cookie
        drawn = examples(conversations, EXAMPLES)
        garbage = examples(broken, EXAMPLES)
        warm_up, rest = drawn[:15], drawn[15:]
        for conversation in warm_up:
            await feed(await open_tab(), conversation)
        await witness.call("echo", 1)
        witness.drop()
        before, kept_before = await settled(instance, server), count_passing()
        for number, conversation in enumerate(rest):
            await feed(await open_tab(), conversation)
            tab = await open_tab()
            tab.writer.write(b"".join(garbage[number]))
            tab.drop()
            if number % 50 == 0:
                tab = await Tab(server.port).open(cookie)
                assert (await tab.call("anvil.private.echo", number))["response"] == number
                tab.drop()
        assert await settled(instance, server) <= before + 3, asyncio.all_tasks()
        # A few may still be known to the timers of a socket that is closing.
        kept = count_passing() - kept_before
        assert not [name for name in PASSING if kept[name] > len(rest) // 2], kept


def count_passing() -> Counter[str]:
    """How many there are of what should go with its socket, or with its call."""
    gc.collect()
    names = (type(thing).__name__ for thing in gc.get_objects())
    return Counter(name for name in names if name in PASSING)


@pytest.mark.parametrize("kind", ["browser", "client"])
async def test_native_functions_refuse_any_arguments(instance: Instance, kind: str):
    """What a browser may call, called with anything: a value, or an error that says what is
    wrong."""
    hosting = Hosting()
    hosting.serve_only(instance)
    senseless: dict[str, Any] = {}
    async with served(hosting) as server, quiet():
        tab = Tab(server.port)
        if kind == "client":
            tab.path = "/_/uplink"
        await tab.open()
        if kind == "client":
            await uplink_hello(tab, UPLINK_KEYS[kind])
        else:
            await tab.call("anvil.private.reset_session")
        for name in sorted(set(registry._functions) - SLOW):
            wanted = len(registry._functions[name].signature.parameters) - 1
            fitting = st.lists(values, min_size=wanted, max_size=wanted)
            for arguments in examples(fitting, max(1, EXAMPLES // 60)):
                async with asyncio.timeout(30):
                    answer = await tab.call(name, *json.loads(json.dumps(arguments)))
                message = str((answer.get("error") or {}).get("message"))
                if message.startswith("Internal server error"):
                    senseless[name] = arguments
                await asyncio.sleep(0.011)  # as many calls as one browser may make
        tab.drop()
    assert not senseless


HELLOS = st.one_of(
    st.fixed_dictionaries({"key": values, "v": values}), values, st.text(max_size=20)
).map(lambda hello: hello if isinstance(hello, str) else json.dumps(hello))


async def test_any_greeting_of_an_uplink_is_answered(instance: Instance):
    hosting = Hosting()
    hosting.serve_only(instance)
    async with served(hosting) as server, quiet():
        for hello in examples(HELLOS, 25):
            tab = Tab(server.port)
            tab.path = "/_/uplink"
            await tab.open()
            tab.writer.write(frame(1, hello.encode("utf-8", "surrogatepass")))
            async with asyncio.timeout(30):
                with contextlib.suppress(ConnectionError, struct.error):
                    answer = json.loads(await tab.receive())
                    assert "error" in answer
            tab.drop()
