"""Call an instance's functions as its operator, whether it is served at the moment or not."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.serving import (
    ask,
    find_free_port,
    running,
    single_command,
    wait_until_served,
)

Call = Callable[..., Any]
SAID_CHARS = 3000


@contextmanager
def calling(
    instance: InstanceFolder,
    port: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[Call]:
    """A way to call the instance's functions for as long as the block lasts: through the server
    that answers for it at ``port`` (or the one in its configuration), else through one of its own,
    which needs its database. ``say`` is told what such a server said where it does not start."""
    known = port or instance.read_config().get("port")
    if isinstance(known, int) and ask(instance, known, "/_/health") == "":
        with uplink(instance, known) as call:
            yield call
        return
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
