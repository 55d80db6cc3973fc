"""Where native functions are declared, and what each is told about the call it serves.

    @native("anvil.private.echo")
    async def echo(call: NativeCall, value: object) -> object:
        return value

    @native_method("anvil.private.BackgroundTask", "kill")
    async def kill(call: NativeCall, task_id: str) -> None: ...

Arguments arrive decoded (see ``app_server.wire.values``); the result is encoded by the router. To
refuse, raise ``AnvilError``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app_server.errors import AnvilError

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.request import Request
    from app_server.sessions import Session
    from app_server.stack import CallStack

TABLES = "anvil.private.tables."
MAX_RUNS = 5

NativeFunction = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Native:
    """A declared function with its signature."""

    name: str
    function: NativeFunction
    signature: inspect.Signature
    spools_media: bool = False

    async def call(self, call: NativeCall, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Run it. AnvilError of type TypeError where the arguments do not fit. What belongs to
        Data Tables is run again when they were changed under it."""
        try:
            self.signature.bind(call, *args, **kwargs)
        except TypeError as error:
            raise AnvilError(f"{self.name}(): {error}", "TypeError") from error
        for _ in range(MAX_RUNS - 1):
            try:
                return await self.function(call, *args, **kwargs)
            except AnvilError as error:
                # Any other may have done something already.
                tables = call.instance.tables if self.name.startswith(TABLES) else None
                if tables is None or not await tables.is_stale(error):
                    raise
        return await self.function(call, *args, **kwargs)


_functions: dict[str, Native] = {}
_methods: dict[tuple[str, str], Native] = {}


@dataclass(slots=True)
class NativeCall:
    """Who calls a native function, and on whose behalf.

    ``is_client`` is true when the call came straight from a browser or a client uplink: nothing in
    it is to be trusted beyond capabilities (already verified) and the signed session.
    ``stack`` lives as long as the outermost call does, and holds its open transaction.
    ``vt_global`` is the shared data of portable values among the arguments (key: type name);
    ``result_vt_global`` may be filled to send shared data back.
    ``cap_updates`` may be filled with updates for capabilities among the arguments: the key is the
    capability's full scope as JSON text, the value what its holder's update handler gets.
    ``request`` is the call as the router sees it.
    """

    instance: Instance
    session: Session
    stack: CallStack
    is_client: bool
    vt_global: dict[str, Any]
    result_vt_global: dict[str, Any]
    cap_updates: dict[str, Any]
    request: Request

    @property
    def origin(self) -> str:
        """Who called: "browser", "client_uplink", "server", "uplink" or "http"."""
        nearest = self.request.frames[0]["type"] if self.request.frames else ""
        if self.is_client:
            return "browser" if nearest == "browser" else "client_uplink"
        return {"server_module": "server", "uplink": "uplink", "http": "http"}.get(
            nearest, "server"
        )

    def require_server(self, what: str) -> None:
        """AnvilError unless trusted code calls; ``what`` completes "Cannot ... from client"."""
        if self.is_client:
            raise AnvilError(f"Cannot {what} from client code.", "anvil.server.PermissionDenied")


def native(name: str, *, spools_media: bool = False) -> Callable[[NativeFunction], NativeFunction]:
    """Declare the function that serves calls to ``name`` (given in full). With ``spools_media`` it
    gets media that come with the call as ``SpooledMedia``."""

    def declare(function: NativeFunction) -> NativeFunction:
        if name in _functions:
            raise RuntimeError(f"native function {name!r} is declared twice")
        _functions[name] = Native(name, function, inspect.signature(function), spools_media)
        return function

    return declare


def native_method(backend: str, method: str) -> Callable[[NativeFunction], NativeFunction]:
    """Declare the function that serves a method of the live objects of ``backend``. It gets the
    call, the live object's id, and the method's arguments."""

    def declare(function: NativeFunction) -> NativeFunction:
        if (backend, method) in _methods:
            raise RuntimeError(f"native method {backend}.{method} is declared twice")
        name = f"{backend}.{method}"
        _methods[backend, method] = Native(name, function, inspect.signature(function))
        return function

    return declare


def find_native(name: str) -> Native | None:
    return _functions.get(name)


def find_native_method(backend: str, method: str) -> Native | None:
    return _methods.get((backend, method))


def has_native_backend(backend: str) -> bool:
    return any(known == backend for known, _ in _methods)
