"""People at work in several businesses: they log in, look at the dashboard, go through contacts,
and think in between. One thread does all, so that the machine is left to the server."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from scripts.benchmarks.product import OWNER
from scripts.benchmarks.running import BenchmarkError

THINK_SECONDS = 2.0
ACTIONS = 4
ANSWER_SECONDS = 60
SEARCHES = ("nkosi", "moreau 12", "thandi", "patel", "example")


@dataclass
class Times:
    """Seconds of each thing that people did, by its name; and what failed."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)

    def percentile(self, name: str, part: float) -> float:
        """The time that this part of them took at most. BenchmarkError where there are none."""
        taken = sorted(self.seconds[name])
        if not taken:
            raise BenchmarkError(f"Nobody came to do {name!r}: {self.failures[:3]}")
        return taken[min(len(taken) - 1, int(len(taken) * part))]


class Tab:
    """One page that is open: the browser's socket, without a browser."""

    def __init__(self, name: str, port: int):
        self._address = f"ws://{name}.localhost:{port}/_/ws"
        self._port = port
        self._ids = itertools.count(1)

    async def __aenter__(self) -> Tab:
        self._socket: ClientConnection = await connect(
            self._address, host="127.0.0.1", port=self._port, max_size=None, open_timeout=60
        )
        await self.ask("anvil.private.reset_session")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def call(self, function: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The answer's envelope. BenchmarkError where the call fails."""
        response: dict[str, Any] = await self.ask(function, *args, **kwargs)
        if not response.get("success"):
            raise BenchmarkError(f"{function}: {response.get('error')}")
        return response

    async def ask(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """The whole answer. BenchmarkError where the call fails."""
        call_id = f"f{next(self._ids)}"
        message = {"type": "CALL", "id": call_id, "v": 1, "command": function}
        message |= {"args": list(args), "kwargs": kwargs, "objects": []}
        await self._socket.send(json.dumps(message))
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                answer = json.loads(await self._socket.recv())
                if answer.get("id") == call_id and "error" in answer:
                    raise BenchmarkError(f"{function}: {answer['error'].get('message')}")
                if answer.get("id") == call_id and "response" in answer:
                    return answer["response"]


async def fetch_page(name: str, port: int) -> None:
    """What a browser asks for first. BenchmarkError where that is not given."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"GET /app HTTP/1.1\r\nHost: {name}.localhost:{port}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await reader.read()
    finally:
        writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise BenchmarkError(f"/app answered {answer[:60]!r}")


async def work(
    names: Sequence[str],
    port: int,
    seconds: float,
    *,
    think_seconds: float = THINK_SECONDS,
    seed: int = 1,
) -> Times:
    """One person in each of these businesses, for so many seconds. The first time that somebody
    comes is counted as ``cold``, with the page: there is no process of server code yet."""
    times = Times()
    end = time.perf_counter() + seconds
    people = (
        _work_in(name, port, end, times, random.Random(seed * 1000 + number), think_seconds)
        for number, name in enumerate(names)
    )
    await asyncio.gather(*people)
    return times


async def _work_in(
    name: str, port: int, end: float, times: Times, chance: random.Random, think_seconds: float
) -> None:
    async def think() -> None:
        pause = min(chance.expovariate(1 / think_seconds), 4 * think_seconds)
        await asyncio.sleep(min(pause, max(0.0, end - time.perf_counter())))

    kind = "cold"
    await think()
    while time.perf_counter() < end:
        try:
            arrived = time.perf_counter()
            await fetch_page(name, port)
            page = time.perf_counter() - arrived
            async with Tab(name, port) as tab:
                started = time.perf_counter()
                await tab.call("log_in", OWNER["email"], OWNER["password"])
                logged_in = time.perf_counter()
                await tab.call("get_dashboard")
                if kind == "cold":
                    times.seconds["cold"].append(time.perf_counter() - arrived)
                else:
                    times.seconds["warm"].append(time.perf_counter() - started)
                    times.seconds["page"].append(page)
                    times.seconds["log-in"].append(logged_in - started)
                    times.seconds["dashboard"].append(time.perf_counter() - logged_in)
                kind = "warm"
                for _ in range(ACTIONS):
                    await think()
                    if time.perf_counter() >= end:
                        return
                    started = time.perf_counter()
                    await tab.call("list_contacts", {"search": chance.choice(SEARCHES)})
                    times.seconds["search"].append(time.perf_counter() - started)
        except (BenchmarkError, OSError, TimeoutError) as error:
            times.failures.append(f"{name}: {error!r}")
        await think()
