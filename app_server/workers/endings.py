"""What calls hear when their worker ends, in the words of Anvil's server."""

from __future__ import annotations

import enum
import secrets
from typing import Any

from app_server.errors import AnvilError
from app_server.wire.payload import Payload

UNAVAILABLE = "anvil.server.RuntimeUnavailableError"
TERMINATED = "anvil.server.ExecutionTerminatedError"
TOO_MUCH_RETURNED = (
    "This function returned too much data - please use Media objects to transfer large amounts of "
    "data."
)
TOO_MUCH_PASSED = (
    "Tried to pass too much data to a server function - please use Media objects to transfer large "
    "amounts of data."
)


class EndReason(enum.Enum):
    """Why a worker has ended."""

    DONE = "done"
    """It was not needed any more."""
    TIME = "time"
    """A call took too long."""
    MEMORY = "memory"
    CRASH = "crash"
    """By itself."""


def describe_end(code: int | None) -> dict[str, Any]:
    """Why a process ended by itself, in the words of Anvil's server."""
    error_id = secrets.token_hex(5)
    if code is None:
        message = "Server code cannot be run at the moment: its process does not start."
    elif code == -9:
        message = (
            "Server code execution process was killed. This is usually caused by running out of "
            f"memory. ({error_id})"
        )
    elif code < 0:
        message = f"Server code execution process was killed with signal {-code}. ({error_id})"
    else:
        message = f"Server code exited unexpectedly: {error_id} (exit code {code})"
    return make_error(TERMINATED, message)


def timed_out() -> dict[str, Any]:
    return make_error("anvil.server.TimeoutError", "Server code took too long")


def make_error(type_name: str, message: str) -> dict[str, Any]:
    return AnvilError(message, type_name).to_json()


def as_task_state(payload: Payload) -> Payload:
    """What was sent as a response, as the state that a task ended with."""
    objects = [
        {**entry, "path": ["taskState", *entry["path"][1:]]}
        if entry["path"][0] == "response"
        else entry
        for entry in payload.objects
    ]
    body = {("taskState" if k == "response" else k): v for k, v in payload.body.items()}
    return Payload(body, objects)
