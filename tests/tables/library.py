"""Anvil's own Python library, driven in this process against our native functions.

Calls of the library are written to JSON, pass through the router's real wire code (MACs included),
run the native function on an event loop of its own, and come back the same way. A ``Caller`` says
on whose behalf: server code, or the browser of a session.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from app_server.dispatch import dispatch
from app_server.keys import InstanceKeys
from app_server.metrics import InstanceMetrics
from app_server.native import core, tables  # noqa: F401  declare natives
from app_server.request import Origin, Reply, Request
from app_server.sessions import Session, SessionStore
from app_server.stack import CallStack
from app_server.tables import TableStore
from app_server.wire.macs import MacKey
from app_server.wire.payload import CALL_MEMBERS, REPLY_MEMBERS, give_objects, take_payload
from app_server.wire.streams import MediaStream

LIBRARY = Path(importlib.util.find_spec("anvil_downlink_worker").origin or "").parent


@dataclass
class Caller:
    session: Session
    origin: Origin = Origin.SERVER
    stack: CallStack = field(default_factory=CallStack)


class Library:
    """``anvil`` is the package; ``server()`` and ``browser()`` choose who calls."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        keys = InstanceKeys.load(folder)
        sessions = SessionStore(folder, keys)
        sessions.wants_flush = lambda: None
        self.session = sessions.create()
        self.instance = SimpleNamespace(
            name="test",
            tables=None,
            sessions=sessions,
            origin="http://test.localhost",
            server_key=MacKey(keys.derive("server objects")),
            app=SimpleNamespace(services={}),
            uplinks=SimpleNamespace(finds=lambda _request: False),
            metrics=InstanceMetrics(),
        )
        self._local = threading.local()
        self._default = Caller(self.session)

    # Set-up

    def run(self, awaitable: Any, timeout: float = 60) -> Any:
        """Run something on the loop of the server side."""
        return asyncio.run_coroutine_threadsafe(awaitable, self._loop).result(timeout)

    def open(self, database_url: str, db_schema: Any, **options: Any) -> TableStore:
        options.setdefault("auto_migrate", True)
        store = self.run(TableStore.open(database_url, db_schema, **options))
        self.instance.tables = store
        self.forget()
        return store

    def close(self) -> None:
        if self.instance.tables is not None:
            self.run(self.instance.tables.close())
            self.instance.tables = None
        self.forget()

    def stop(self) -> None:
        self.instance.sessions.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def forget(self) -> None:
        """What a new process would not know: tables, models, configuration."""
        if "anvil.tables" in sys.modules:
            sys.modules["anvil.tables"]._clear_cache()
            sys.modules["anvil.tables.v2._model"]._clear_cache()

    # Who calls

    @property
    def caller(self) -> Caller:
        return getattr(self._local, "caller", None) or self._default

    @contextlib.contextmanager
    def acting(self, caller: Caller) -> Iterator[Caller]:
        """Calls of this thread come from ``caller``; the call stack is closed at the end."""
        before, self._local.caller = getattr(self._local, "caller", None), caller
        if before is None or before.origin is not caller.origin:
            self.forget()
        try:
            yield caller
        finally:
            self._local.caller = before
            self.forget()
            self.run(caller.stack.close(True))

    def server(self) -> contextlib.AbstractContextManager[Caller]:
        return self.acting(Caller(self.session))

    def browser(self, session: Session | None = None) -> contextlib.AbstractContextManager[Caller]:
        return self.acting(Caller(session or self.session, Origin.CLIENT))

    def is_server_side(self) -> bool:
        return self.caller.origin is not Origin.CLIENT

    def key(self, caller: Caller) -> MacKey:
        if caller.origin is Origin.CLIENT:
            return caller.session.client_key
        return self.instance.server_key

    # The wire

    def do_call(
        self, args: Any, kwargs: Any, fn_name: str | None = None, live_object: Any = None
    ) -> Any:
        library = sys.modules["anvil._server"]
        media: dict[str, Any] = {}
        passed: list[Any] = []

        def keep(value: Any) -> dict[str, str]:
            media[str(len(media))] = value
            return {"id": str(len(media) - 1)}

        body = {"args": list(args), "kwargs": dict(kwargs or {})}
        message = library.fill_out_media(body, keep, passed, remote_is_trusted=True)
        text = json.dumps(message)
        contents = {name: (m.get_bytes(), m.content_type, m.name) for name, m in media.items()}
        answer, parts = self.run(self._serve(str(fn_name), text, contents, self.caller))
        if "error" in answer:
            raise library._deserialise_exception(answer["error"])
        library.apply_cap_updates(answer, passed)
        return self._receive(answer, parts, trusted=True)

    def _receive(self, answer: dict[str, Any], parts: dict[str, bytes], *, trusted: bool) -> Any:
        def data_media(described: dict[str, Any]) -> Any:
            return sys.modules["anvil"].BlobMedia(
                described["mime-type"], parts[described["id"]], described.get("name")
            )

        library = sys.modules["anvil._server"]
        return library._reconstruct_objects(answer, data_media, remote_is_trusted=trusted)[
            "response"
        ]

    async def _serve(
        self, command: str, text: str, contents: dict[str, Any], caller: Caller
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        def open_stream(entry: dict[str, Any]) -> MediaStream:
            data, content_type, name = contents[entry["id"]]
            return MediaStream.from_bytes(content_type, data, name)

        key = self.key(caller)
        trusted = caller.origin is not Origin.CLIENT
        payload = take_payload(json.loads(text), CALL_MEMBERS, key, open_stream, is_trusted=trusted)
        request = Request(
            instance=self.instance,  # type: ignore[arg-type]
            session=caller.session,
            stack=caller.stack,
            command=command,
            payload=payload,
            origin=caller.origin,
            frames=({"type": "server_module"},),
            client={},
        )
        return await self._answer(await dispatch(request), key)

    async def _answer(self, reply: Reply, key: MacKey) -> tuple[dict[str, Any], dict[str, bytes]]:
        if reply.error is not None:
            return {"error": reply.error}, {}
        parts = {name: await stream.read() for name, stream in reply.payload.media.items()}
        answer = {**reply.payload.body, "objects": give_objects(reply.payload, key)}
        answer.setdefault("response", None)
        return json.loads(json.dumps(answer)), parts

    def send(self, value: Any, sender: Caller, receiver: Caller) -> Any:
        """What ``receiver`` has when ``sender`` returns or passes ``value`` to it."""

        async def cross() -> Any:
            payload = take_payload(
                json.loads(text),
                REPLY_MEMBERS,
                self.key(sender),
                lambda _entry: MediaStream("", None),
                is_trusted=sender.origin is not Origin.CLIENT,
            )
            return await self._answer(Reply(payload), self.key(receiver))

        library = sys.modules["anvil._server"]
        with self.acting(sender):
            message = library.fill_out_media(
                {"response": value},
                None,
                remote_is_trusted=receiver.origin is not Origin.CLIENT,
            )
        text = json.dumps(message)
        with self.acting(receiver):
            return self._receive(
                self.run(cross())[0], {}, trusted=sender.origin is not Origin.CLIENT
            )


@contextlib.contextmanager
def loaded_library(folder: Path) -> Iterator[Library]:
    """The server wheel's ``anvil`` in ``sys.modules``; what was there before comes back after."""
    kept = {name: sys.modules.pop(name) for name in _library_modules()}
    sys.path.insert(0, str(LIBRARY))
    library = Library(folder)
    try:
        anvil = importlib.import_module("anvil")
        for name in ("server", "_threaded_server", "tables.query", "tables.v2", "media"):
            importlib.import_module(f"anvil.{name}")
        anvil.is_server_side = library.is_server_side
        sys.modules["anvil._server"]._do_call = library.do_call
        sys.modules["anvil._threaded_server"].do_call = library.do_call
        yield library
    finally:
        sys.path.remove(str(LIBRARY))
        for name in _library_modules():
            del sys.modules[name]
        sys.modules.update(kept)
        library.stop()


def _library_modules() -> list[str]:
    return [name for name in sys.modules if name == "anvil" or name.startswith("anvil.")]
