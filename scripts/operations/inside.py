"""Call an instance's functions as its operator, whether it is served at the moment or not."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.pausing import find_pause
from scripts.operations.serving import (
    ask,
    find_free_port,
    running,
    single_command,
    wait_until_served,
)

Call = Callable[..., Any]
SAID_CHARS = 3000
LOOK_SECONDS = 0.5


@contextmanager
def calling(
    instance: InstanceFolder,
    port: int | None = None,
    say: Callable[[str], None] = lambda text: None,
    *,
    served_within: float | None = None,
) -> Iterator[Call]:
    """A way to call the instance's functions for as long as the block lasts: through the server
    that answers for it at ``port`` (or the one in its configuration), else through one of its own,
    which needs its database. ``say`` is told what such a server said where it does not start.

    ``served_within``: never one of its own, but wait so many seconds until it is served. Raises
    ``OperationError`` where it cannot be called, also while it is stopped or being changed.
    """
    known = port or instance.read_config().get("port")
    deadline = time.monotonic() + (served_within or 0)
    while True:
        if isinstance(known, int) and ask(instance, known, "/_/health") == "":
            with uplink(instance, known) as call:
                yield call
            return
        if served_within is None or time.monotonic() >= deadline:
            break
        time.sleep(LOOK_SECONDS)
    pause = find_pause(instance)
    if pause is not None:
        raise OperationError(f"{instance.name} is {pause.mode.value} at the moment.")
    if served_within is not None:
        raise OperationError(f"{instance.name} is not served at the moment.")
    own_port = find_free_port()
    command = single_command(instance, own_port)
    with (
        tempfile.TemporaryFile() as output,
        running(command, instance.path, output) as child,
    ):
        try:
            wait_until_served(instance, own_port, child)
        except OperationError:
            output.seek(0)
            say(output.read().decode(errors="replace")[-SAID_CHARS:].rstrip())
            raise
        with uplink(instance, own_port) as call:
            yield call


@contextmanager
def uplink(instance: InstanceFolder, port: int) -> Iterator[Call]:
    """The same through a server that is known to answer at this port."""
    import anvil.server

    # Not by name: only browsers resolve *.localhost. The key tells the server which instance.
    key = str(instance.read_config()["uplink-key"])
    anvil.server.connect(key, url=f"ws://127.0.0.1:{port}/_/uplink", quiet=True)
    try:
        yield anvil.server.call
    finally:
        anvil.server.disconnect()


def checked(answer: dict[str, Any], what: str) -> dict[str, Any]:
    """The answer of one of the template's functions. Raises ``OperationError`` for a refusal."""
    if not answer.get("success"):
        raise OperationError(f"{what} failed: {answer.get('error')} ({answer.get('code')})")
    return answer
