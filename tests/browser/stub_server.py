"""A server that speaks the browser's socket, so that the runtime can be tested by itself.

It serves the real page, runtime and bundle of an app folder; what a call answers is up to the test.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app_server.apps import load_app
from app_server.http import assets
from app_server.http.page import render_page
from app_server.http.startup import PageStart

Answer = dict[str, Any]
Handler = Callable[[dict[str, Any]], Answer]


def answer(value: Any, objects: list[dict[str, Any]] | None = None, **members: Any) -> Answer:
    return {"response": value, "objects": objects or [], **members}


def failure(type_name: str, message: str) -> Answer:
    return {"error": {"type": type_name, "message": message, "trace": [["app/server.py", 7]]}}


class StubServer:
    """``functions`` by name get the call's message and give the members of the answer; an answer's
    ``chunks`` are [(media id, bytes), ...] sent after it. ``calls``, ``logs`` and
    ``prints`` are what came."""

    def __init__(self, folder: Path, dep_ids: dict[str, str] | None = None):
        self.app = load_app(folder, dep_ids or {})
        self.functions: dict[str, Handler] = {}
        self.calls: list[dict[str, Any]] = []
        self.received_media: dict[str, bytes] = {}
        self.logs: list[dict[str, Any]] = []
        self.prints: list[str] = []
        self.start = PageStart()
        self.refuses_sockets = False
        self.silent: set[str] = set()
        self._sockets: set[WebSocket] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    def __enter__(self) -> StubServer:
        routes = [
            *assets.routes,
            Route("/", self._page),
            Route("/app/{path:path}", self._page),
            WebSocketRoute("/_/ws", self._socket),
        ]
        app = Starlette(routes=routes, middleware=[Middleware(_SetInstance, stub=self)])
        config = uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio")
        self._server = uvicorn.Server(config)
        started = threading.Event()

        def serve() -> None:
            async def main() -> None:
                assert self._server
                self._loop = asyncio.get_running_loop()
                task = asyncio.create_task(self._server.serve())
                while not self._server.started:
                    await asyncio.sleep(0.005)
                port = self._server.servers[0].sockets[0].getsockname()[1]
                self.url = f"http://127.0.0.1:{port}"
                started.set()
                await task

            asyncio.run(main())

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        assert self._server and self._thread
        self.drop_sockets()
        self._server.should_exit = True
        self._thread.join(10)

    @property
    def open_sockets(self) -> int:
        return len(self._sockets)

    def drop_sockets(self, code: int = 1001) -> None:
        """Cut every open socket, as a lost connection would."""

        async def drop() -> None:
            for socket in list(self._sockets):
                await socket.close(code)

        assert self._loop
        asyncio.run_coroutine_threadsafe(drop(), self._loop).result(5)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message of the server's own to every socket."""

        async def send() -> None:
            for socket in list(self._sockets):
                await socket.send_text(json.dumps(message))

        assert self._loop
        asyncio.run_coroutine_threadsafe(send(), self._loop).result(5)

    def call_names(self) -> list[str]:
        return [call["command"] for call in self.calls if "command" in call]

    @property
    def instance(self) -> Any:
        return SimpleNamespace(
            app=self.app,
            name="stub",
            origin=self.url,
            app_info={"id": "STUB", "branch": None, "environment": {"name": "stub", "tags": []}},
            find_version=lambda version: self.app,
            recent_versions=lambda: [self.app],
        )

    async def _page(self, request: Request) -> Response:
        return await render_page(self.instance, SimpleNamespace(), self.start)  # type: ignore[arg-type]

    async def _socket(self, socket: WebSocket) -> None:
        if self.refuses_sockets:
            await socket.close()
            return
        await socket.accept()
        self._sockets.add(socket)
        chunk: dict[str, Any] = {}
        try:
            while True:
                frame = await socket.receive()
                if frame["type"] == "websocket.disconnect":
                    return
                if frame.get("bytes") is not None:
                    known = self.received_media.get(chunk["mediaId"], b"")
                    self.received_media[chunk["mediaId"]] = known + frame["bytes"]
                    continue
                message = json.loads(frame["text"])
                if message["type"] == "CHUNK_HEADER":
                    chunk = message
                elif message["type"] == "LOG" and "print" in message:
                    self.prints.append(message["print"])
                elif message["type"] == "LOG":
                    self.logs.append(message)
                else:
                    await self._answer(socket, message)
        except WebSocketDisconnect:
            return
        finally:
            self._sockets.discard(socket)

    async def _answer(self, socket: WebSocket, message: dict[str, Any]) -> None:
        name = message.get("command") or message["liveObjectCall"]["method"]
        if name == "anvil.private.echo":
            await socket.send_text(
                json.dumps({"id": message["id"], "response": message["args"][0]})
            )
            return
        self.calls.append(message)
        if name in self.silent:
            return
        handler = self.functions.get(name)
        if handler is None:
            given = failure("anvil.server.NoServerFunctionError", f'No server function "{name}"')
        else:
            given = handler(message)
        chunks = given.pop("chunks", [])
        await socket.send_text(json.dumps({"id": message["id"], **given}))
        for media_id, data in chunks:
            header = {"type": "CHUNK_HEADER", "requestId": message["id"], "mediaId": media_id}
            await socket.send_text(json.dumps({**header, "chunkIndex": 0, "lastChunk": True}))
            await socket.send_bytes(data)


class _SetInstance:
    """Puts the stub's instance where the routes expect it."""

    def __init__(self, app: Any, stub: StubServer):
        self._app = app
        self._stub = stub

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["instance"] = self._stub.instance
        await self._app(scope, receive, send)
