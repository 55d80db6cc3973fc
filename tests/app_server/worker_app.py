"""One app served by worker processes, without HTTP, and calls to it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app_server.config import InstanceConfig
from app_server.instance import Instance, load_natives
from app_server.request import Origin, Reply, Request
from app_server.stack import CallStack
from app_server.wire.payload import Payload
from app_server.workers import Workers
from tests.app_server.running import ANVIL_YAML, write_files

SERVER = """
import os, pathlib, tempfile, time
import anvil.server

@anvil.server.callable
def pid():
    return os.getpid()

@anvil.server.callable
def temporary():
    with tempfile.NamedTemporaryFile() as file:
        return [file.name, os.environ["TMPDIR"]]

@anvil.server.callable
def wait_for_go(folder, name):
    here = pathlib.Path(folder)
    (here / name).write_text(str(os.getpid()))
    while not (here / "go").exists():
        time.sleep(0.01)
    return os.getpid()

@anvil.server.callable
def loop(folder, name):
    (pathlib.Path(folder) / name).write_text(str(os.getpid()))
    while True:
        pass

@anvil.server.callable
def nested():
    return [os.getpid(), anvil.server.call("pid")]

@anvil.server.callable
def hoard(folder):
    kept = []
    while True:
        kept.append(bytearray(20 * 1024 * 1024))
        time.sleep(0.01)

@anvil.server.callable
def write_rubbish(text):
    from anvil_downlink_worker import full_python_worker
    full_python_worker.PIPE_OUT.pipe.write(text.encode("latin-1"))
    full_python_worker.PIPE_OUT.pipe.flush()
    time.sleep(60)

@anvil.server.callable
def fork_and_die(folder):
    child = os.fork()
    if child == 0:
        time.sleep(600)
    (pathlib.Path(folder) / "child").write_text(str(child))
    os._exit(3)

@anvil.server.callable
def die():
    os._exit(3)
"""
NOT_PERSISTENT = "package_name: shop\nruntime_options: {version: 3}\n"


class App:
    """An instance in this very process, with real workers."""

    def __init__(self, folder: Path, workers: Workers, yaml: str, server: str):
        app = write_files(folder / "shop", {"anvil.yaml": yaml, "server_code/main.py": server})
        (folder / "data").mkdir()
        self.folder = folder
        config = InstanceConfig("shop", app, folder / "data", "http://localhost:1", database="none")
        self.workers = workers
        self.instance = Instance(config, workers)

    async def reply(self, command: str, *args: Any) -> Reply:
        request = Request(
            instance=self.instance,
            session=self.instance.sessions.create(),
            stack=CallStack(),
            command=command,
            payload=Payload({"args": list(args), "kwargs": {}}),
            origin=Origin.SERVER,
            frames=({"type": "browser", "protocol-version": 1},),
            client={"type": "browser", "ip": None, "location": None},
        )
        return await self.instance.workers.call(request)

    async def call(self, command: str, *args: Any) -> Any:
        reply = await self.reply(command, *args)
        assert reply.error is None, reply.error
        return reply.payload.body["response"]

    async def error(self, command: str, *args: Any) -> tuple[str, str]:
        reply = await self.reply(command, *args)
        assert reply.error is not None
        return str(reply.error["type"]), str(reply.error["message"])

    async def started(self, name: str) -> int:
        """The process in which the call with this name has begun."""
        path = self.folder / name
        await until(lambda: path.exists() and path.read_text() != "")
        return int(path.read_text())

    def limit_calls(self, seconds: float) -> None:
        config = dataclasses.replace(self.instance.config, call_seconds=seconds)
        self.instance.config = config

    def go(self) -> None:
        (self.folder / "go").touch()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


Open = Callable[..., Awaitable[App]]


@pytest.fixture
async def open_app(tmp_path: Path) -> AsyncIterator[Open]:
    load_natives()
    opened: list[App] = []

    async def open_one(yaml: str = ANVIL_YAML, server: str = SERVER) -> App:
        workers = Workers()
        workers.start()
        opened.append(App(tmp_path / f"app-{len(opened)}", workers, yaml, server))
        return opened[-1]

    yield open_one
    for app in opened:
        await app.instance.stop()
        await app.workers.stop()
        assert app.workers.count == 0
