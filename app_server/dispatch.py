"""Finds who serves a call, has it served, and answers. It never raises for a call that fails."""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from typing import Any

import psycopg

from app_server.app_log import NAME_CHARS, log_error, shown
from app_server.call_observing import at_work, observed_call, resumed
from app_server.errors import AnvilError
from app_server.limits import MAX_NESTED_CALLS
from app_server.native.registry import (
    Native,
    NativeCall,
    find_native,
    find_native_method,
    has_native_backend,
)
from app_server.request import Reply, Request
from app_server.session_renewal import serving
from app_server.wire.caller import CallingPeer
from app_server.wire.codec import decode, decode_vt_global, encode
from app_server.wire.payload import WireError
from app_server.wire.text import TOO_DEEP

logger = logging.getLogger(__name__)

DATABASE_LOST = (psycopg.OperationalError, psycopg.InterfaceError)


MALFORMED = (
    TypeError,
    AttributeError,
    LookupError,
    ValueError,
    OverflowError,
    psycopg.DataError,
)
"""What a native function raises whose arguments are of the wrong types."""


async def dispatch(request: Request) -> Reply:
    """Serve one call. Native functions come first, then those that an uplink registered, then the
    app's server code, as on Anvil's server."""
    if request.parent is not None:
        with resumed(request):
            return await _dispatch(request)
    with observed_call(request) as observe:
        return observe(await _dispatch(request))


async def _dispatch(request: Request) -> Reply:
    try:
        _check_allowed(request)
        native = _find_native(request)
        if native is not None:
            return await call_native(native, request)
        if request.instance.uplinks.finds(request):
            return await request.instance.uplinks.call(request)
        return await request.instance.workers.call(request)
    except AnvilError as error:
        return Reply.from_error(error)
    except DATABASE_LOST as error:
        logger.error("[%s] The database cannot be reached: %s", request.instance.name, error)
        return Reply.failed(
            "anvil.server.RuntimeUnavailableError",
            "The database cannot be reached at the moment. Please try again shortly.",
        )
    except RecursionError:
        return Reply.from_error(WireError(TOO_DEEP))
    except Exception:  # noqa: BLE001  the edge of the router: logged, and told to the caller
        return _internal_error(request)


async def dispatch_outermost(request: Request) -> Reply:
    """Serve a call that no other call made, and close its call stack afterwards."""
    ok = False
    with at_work(request):
        try:
            reply = await dispatch(request)
            ok = reply.error is None
        finally:
            await asyncio.shield(request.stack.close(ok))
        if reply.error is not None:
            log_error(request.instance, request.description, reply.error)
    return reply


def _check_allowed(request: Request) -> None:
    if len(request.frames) > MAX_NESTED_CALLS:
        raise AnvilError("Too many nested anvil.server.call()s", "anvil.server.StackOverflow")
    if request.is_client and ":" in request.command:
        raise AnvilError(
            f"Cannot call scoped server function {request.command!r} from client code",
            "anvil.server.PermissionDenied",
        )


def _find_native(request: Request) -> Native | None:
    if request.live_object is None:
        return find_native(request.command)
    backend = str(request.live_object.get("backend"))
    method = find_native_method(backend, request.command)
    if method is None and has_native_backend(backend):
        raise AnvilError(f"{backend} has no method {request.command!r}", "AttributeError")
    return method


async def call_native(native: Native, request: Request) -> Reply:
    """Run a native function: decode the arguments, call, encode the result."""
    body = await decode(request.payload, spools_media=native.spools_media)
    call = NativeCall(
        instance=request.instance,
        session=request.session,
        stack=request.stack,
        is_client=request.is_client,
        vt_global=decode_vt_global(body.get("vt_global")),
        result_vt_global={},
        cap_updates={},
        request=request,
    )
    args = body.get("args") or []
    kwargs = body.get("kwargs") or {}
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise AnvilError("`args` has to be a list and `kwargs` an object.", "TypeError")
    if request.live_object is not None:
        args = [request.live_object.get("id"), *args]
    at_work = serving.set(request)
    try:
        result = await native.call(call, args, kwargs)
    except MALFORMED as error:
        if not request.is_client:
            raise
        _log_malformed(request, error)
        message = f"{native.name}() cannot be called with these arguments."
        raise AnvilError(message, "TypeError") from error
    finally:
        serving.reset(at_work)
    answer: dict[str, Any] = {"response": result}
    if call.cap_updates:
        answer["capUpdates"] = call.cap_updates
    return Reply(encode(answer, call.result_vt_global))


def _log_malformed(request: Request, error: Exception) -> None:
    """A browser may send anything, so this is a line and no trace: what, and where."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    logger.warning(
        "[%s] A visitor called %s with what it cannot take: %s (%s:%d)",
        request.instance.name,
        shown(request.description, NAME_CHARS),
        shown(repr(error), NAME_CHARS),
        frame.f_code.co_filename,
        line,
    )


async def call_peer(peer: CallingPeer, request: Request, timeout_seconds: float | None) -> Reply:
    """Have a worker or an uplink serve a call."""
    call = await peer.start_call(request)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await call.answer
    except TimeoutError:
        peer.give_up(call.id)
        return Reply.failed(
            "anvil.server.TimeoutError",
            f"Server code took too long: {request.description} did not answer within "
            f"{timeout_seconds:.0f} seconds.",
        )
    finally:
        peer.pending.pop(call.id, None)


def _internal_error(request: Request) -> Reply:
    """What went wrong stays in the log; the caller gets a number to ask for."""
    error_id = secrets.token_hex(5)
    logger.exception(
        "[%s] Internal server error %s in %s",
        request.instance.name,
        error_id,
        shown(request.description, NAME_CHARS),
    )
    return Reply.failed("anvil.server.InternalError", f"Internal server error: {error_id}")
