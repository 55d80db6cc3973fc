"""An instance that goes astray, as seen by its visitors: a program for ``neighbours.py``.

``python -m scripts.benchmarks.misbehaving KIND NAME PORT``, until it is ended.
"""

from __future__ import annotations

import asyncio
import os
import sys

from scripts.benchmarks.fleet_load import Tab
from scripts.benchmarks.running import BenchmarkError

SERVER = """
import os, time
import anvil.server

@anvil.server.callable
def loop():
    while True:
        pass

@anvil.server.callable
def hog():
    kept = []
    while True:
        kept.append(os.urandom(1024) * 1024)

@anvil.server.callable
def die():
    os._exit(3)

@anvil.server.callable
def nothing():
    return None
"""
#: What is called, and by how many visitors at the same time.
KINDS = {
    "endless loop": ("loop", 8),
    "memory hog": ("hog", 4),
    "crash loop": ("die", 4),
    "flood of calls": ("nothing", 20),
}


async def misbehave(kind: str, name: str, port: int) -> None:
    function, count = KINDS[kind]
    await asyncio.gather(*(_call_for_ever(function, name, port) for _ in range(count)))


async def _call_for_ever(function: str, name: str, port: int) -> None:
    while True:
        try:
            async with Tab(name, port) as tab:
                while True:
                    try:
                        await tab.ask(function)
                    except BenchmarkError:
                        # What fails at once is tried again as a person would, and not a loop of it.
                        await asyncio.sleep(0.05)
        except (OSError, TimeoutError, BenchmarkError):
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    # Visitors have machines of their own; these must not take ours.
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    try:
        with open("/proc/self/autogroup", "w") as file:
            file.write("19")
    except OSError:
        pass
    asyncio.run(misbehave(sys.argv[1], sys.argv[2], int(sys.argv[3])))
