"""Where native functions are declared, and what each is told about the call it serves.

    @native("anvil.private.echo")
    async def echo(call: NativeCall, value: object) -> object:
        return value

Arguments arrive decoded (see ``app_server.wire.values``); the result is encoded by the router. To
refuse, raise ``AnvilError``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.sessions import Session
    from app_server.stack import CallStack

NativeFunction = Callable[..., Awaitable[Any]]

_functions: dict[str, NativeFunction] = {}


@dataclass(slots=True)
class NativeCall:
    """Who calls a native function, and on whose behalf.

    ``is_client`` is true when the call came straight from a browser or a client uplink: nothing in
    it is to be trusted beyond capabilities (already verified) and the signed session.
    ``stack`` lives as long as the outermost call does, and holds its open transaction.
    ``vt_global`` is the shared data of portable values among the arguments (key: type name);
    ``result_vt_global`` may be filled to send shared data back.
    """

    instance: Instance
    session: Session
    stack: CallStack
    is_client: bool
    vt_global: dict[str, Any]
    result_vt_global: dict[str, Any]


def native(name: str) -> Callable[[NativeFunction], NativeFunction]:
    """Declare the function that serves calls to ``name`` (given in full)."""

    def declare(function: NativeFunction) -> NativeFunction:
        if name in _functions:
            raise RuntimeError(f"native function {name!r} is declared twice")
        _functions[name] = function
        return function

    return declare


def find_native(name: str) -> NativeFunction | None:
    return _functions.get(name)
