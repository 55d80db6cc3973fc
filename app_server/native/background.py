"""``anvil.private.background_tasks`` and the methods of a task's live object."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NoReturn

from app_server.background.records import TaskRecord, TaskStatus
from app_server.background.tasks import BackgroundTasks, raise_error, task_error, task_not_found
from app_server.errors import AnvilError
from app_server.media import resign_media
from app_server.native.registry import NativeCall, native, native_method
from app_server.wire.codec import decode
from app_server.wire.payload import Payload
from app_server.wire.values import LiveObject

BACKEND = "anvil.private.BackgroundTask"
METHODS = (
    "get_id",
    "get_termination_status",
    "get_error",
    "get_state",
    "get_return_value",
    "get_task_name",
    "get_start_time",
    "is_completed",
    "is_running",
    "kill",
)


def make_task_object(task_id: str) -> LiveObject:
    """The live object of a task; it is signed on its way out."""
    return LiveObject(
        {
            "backend": BACKEND,
            "id": json.dumps(task_id),
            "permissions": [],
            "methods": list(METHODS),
        }
    )


@native("anvil.private.background_tasks.launch")
async def launch(call: NativeCall, name: str, /, *args: Any, **kwargs: Any) -> LiveObject:
    """Start ``@anvil.server.background_task`` ``name``; its live object."""
    if call.is_client:
        raise task_error("Can't launch background tasks from the client.")
    if not isinstance(name, str):
        raise task_error("The name of a background task has to be a string.")
    tasks = _tasks(call)
    return make_task_object(await tasks.launch(name, args, kwargs, vt_global=call.vt_global))


@native("anvil.private.background_tasks.get_by_id")
async def get_by_id(call: NativeCall, task_id: str) -> LiveObject:
    """The live object of a known task. Raises BackgroundTaskNotFound."""
    _require_server(call)
    if await _tasks(call).find(str(task_id)) is None:
        raise task_not_found(str(task_id))
    return make_task_object(str(task_id))


@native("anvil.private.background_tasks.list")
async def list_tasks(call: NativeCall, *, all_environments: bool = False) -> list[LiveObject]:
    """All tasks that are known. An instance is one environment."""
    _require_server(call)
    return [make_task_object(task_id) for task_id in await _tasks(call).records.list_ids()]


def _tasks(call: NativeCall) -> BackgroundTasks:
    tasks: BackgroundTasks | None = call.instance.background
    if tasks is None:
        raise task_error("Background tasks need a database (this app runs with database: none).")
    return tasks


def _require_server(call: NativeCall) -> None:
    if call.is_client:
        raise task_error("Can't manage background tasks from the client")


async def _find(call: NativeCall, object_id: str) -> TaskRecord:
    task_id = str(json.loads(object_id))
    record = await _tasks(call).find(task_id)
    if record is None:
        raise task_not_found(task_id)
    return record


async def _decode(call: NativeCall, payload: Payload) -> dict[str, Any]:
    """Values that a task left, for whoever asks now."""
    values: dict[str, Any] = resign_media(call, await decode(payload))
    return values


@native_method(BACKEND, "get_id")
async def get_id(call: NativeCall, object_id: str) -> str:
    """The task's id, which ``get_by_id`` takes."""
    return str(json.loads(object_id))


@native_method(BACKEND, "get_task_name")
async def get_task_name(call: NativeCall, object_id: str) -> str:
    """The name of the function."""
    return (await _find(call, object_id)).name


@native_method(BACKEND, "get_start_time")
async def get_start_time(call: NativeCall, object_id: str) -> datetime:
    """When it was launched (UTC)."""
    return (await _find(call, object_id)).started_at


@native_method(BACKEND, "is_running")
async def is_running(call: NativeCall, object_id: str) -> bool:
    """Whether it has not ended yet."""
    return (await _find(call, object_id)).status is None


@native_method(BACKEND, "get_termination_status")
async def get_termination_status(call: NativeCall, object_id: str) -> str | None:
    """None while it runs; else ``completed``, ``failed``, ``missing`` or ``killed``."""
    status = (await _find(call, object_id)).status
    return status.value if status else None


@native_method(BACKEND, "is_completed")
async def is_completed(call: NativeCall, object_id: str) -> bool:
    """Whether it ended well; its error is raised if it did not."""
    record = await _find(call, object_id)
    if record.status is None:
        return False
    if record.status is not TaskStatus.COMPLETED:
        _raise_end(record)
    return True


def _raise_end(record: TaskRecord) -> NoReturn:
    if record.error:
        raise_error(record.error)
    if record.status is TaskStatus.KILLED:
        raise AnvilError("The background task was killed.", "anvil.server.BackgroundTaskKilled")
    raise AnvilError(f"The background task failed ({record.status}).")


@native_method(BACKEND, "get_error")
async def get_error(call: NativeCall, object_id: str) -> None:
    """Raises the error with which it ended, if it did."""
    record = await _find(call, object_id)
    if record.error:
        raise_error(record.error)


@native_method(BACKEND, "get_return_value")
async def get_return_value(call: NativeCall, object_id: str) -> Any:
    """None while it runs; its error is raised if it failed."""
    record = await _find(call, object_id)
    if record.error:
        raise_error(record.error)
    return (await _decode(call, record.outcome)).get("response") if record.status else None


@native_method(BACKEND, "get_state")
async def get_state(call: NativeCall, object_id: str) -> Any:
    """``anvil.server.task_state``: as it is now, or as it was at the end."""
    payload, member = await _tasks(call).get_state(str(json.loads(object_id)))
    return (await _decode(call, payload)).get(member)


@native_method(BACKEND, "kill")
async def kill(call: NativeCall, object_id: str) -> None:
    """Ask for its end; server code only. One that runs in an uplink goes on."""
    _require_server(call)
    await _tasks(call).kill(str(json.loads(object_id)))
