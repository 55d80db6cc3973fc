"""Native functions about sessions and events between them."""

from __future__ import annotations

from typing import Any

from app_server.errors import AnvilError
from app_server.native.registry import NativeCall, native
from app_server.sessions import Session
from app_server.tables.values import ROW_REF
from app_server.wire.values import Capability, PortableValue

SUBSCRIPTIONS = "channel_subscriptions"
MAX_CHANNELS = 200
MAX_CHANNEL_CHARS = 200


@native("anvil.private.switch_session!")
async def switch_session(call: NativeCall) -> dict[str, Any]:
    """Let an endpoint that allows it (``cross_site_session``) use the session of a visitor who
    comes from another site's page. Gives that session's data in wire form."""
    call.require_server("switch sessions")
    parent = call.request.parent
    if parent is not None and parent.alternate_session is not None:
        parent.session = parent.alternate_session
        parent.sent_user_data = parent.session.user_data
        return parent.session.user_data
    return call.session.user_data


@native("anvil.private.invalidate_client_objects")
async def invalidate_client_objects(call: NativeCall) -> None:
    call.session.invalidate_client_objects()
    call.request.root.on_update({"invalidate-macs": True})


@native("anvil.private.get_session_id")
async def get_session_id(call: NativeCall) -> str:
    call.require_server("get the current session ID")
    call.session.save()
    return call.session.id


@native("anvil.private.list_sessions")
async def list_sessions(call: NativeCall, user: Any = None) -> list[str]:
    """Ids of all sessions, or of those in which a user (a row) is logged in."""
    call.require_server("list sessions")
    if user is None:
        return await call.instance.sessions.list_ids()
    return await call.instance.sessions.list_ids(_read_row_id(call, user))


def _read_row_id(call: NativeCall, user: Any) -> int:
    """The id of a row: of its reference, or of the row itself, which comes as a portable object
    ``[view, table id, row id, capability]`` (``Row.__serialize__`` in anvil/tables/v2/_row.py)."""
    content = user.value if isinstance(user, PortableValue) else None
    if isinstance(content, list) and len(content) == 4 and isinstance(content[3], Capability):
        user = PortableValue(ROW_REF, content[3])
    row_id: int = call.instance.tables.row_id_from_ref(user)[1]
    return row_id


@native("anvil.private.get_session_data")
async def get_session_data(call: NativeCall, session_id: str) -> dict[str, Any] | None:
    """The plain values in ``anvil.server.session`` of another session."""
    call.require_server("get session data")
    session = call.instance.sessions.find_by_id(session_id)
    return dict(session.user_data.get("session") or {}) if session is not None else None


@native("anvil.private.subscribe")
async def subscribe(call: NativeCall, channel: str) -> None:
    call.require_server("subscribe to a channel")
    if not isinstance(channel, str) or not 0 < len(channel) <= MAX_CHANNEL_CHARS:
        raise AnvilError(
            f"A channel's name is text of at most {MAX_CHANNEL_CHARS} characters.", "TypeError"
        )
    if len(call.session.state.get(SUBSCRIPTIONS, ())) >= MAX_CHANNELS:
        raise AnvilError(
            f"A session may subscribe to at most {MAX_CHANNELS} channels.",
            "anvil.server.QuotaExceededError",
        )
    channels = set(call.session.state.get(SUBSCRIPTIONS, ()))
    call.session.state[SUBSCRIPTIONS] = sorted({*channels, channel})


@native("anvil.private.unsubscribe")
async def unsubscribe(call: NativeCall, channel: str) -> None:
    call.require_server("unsubscribe from a channel")
    channels = set(call.session.state.get(SUBSCRIPTIONS, ()))
    call.session.state[SUBSCRIPTIONS] = sorted(channels - {channel})


@native("anvil.private.get_subscriptions")
async def get_subscriptions(call: NativeCall) -> list[str]:
    call.require_server("get subscriptions")
    return list(call.session.state.get(SUBSCRIPTIONS, ()))


@native("anvil.private.raise_event")
async def raise_event(
    call: NativeCall,
    name: str,
    payload: Any = None,
    session_id: str | None = None,
    session_ids: list[str] | None = None,
    channel: str | None = None,
) -> None:
    """Send an event to one session, several, or all that subscribed to a channel; without any of
    these, to the caller's own."""
    call.require_server("raise server events")
    for session in _find_receivers(call, session_id, session_ids, channel):
        session.notify({"name": name, "payload": payload})


def _find_receivers(
    call: NativeCall, session_id: str | None, session_ids: list[str] | None, channel: str | None
) -> list[Session]:
    if sum(bool(given) for given in (session_id, session_ids, channel)) > 1:
        raise AnvilError("Give only one of session_id, session_ids and channel.", "TypeError")
    # Only who has an open socket can hear it.
    store = call.instance.sessions
    if channel:
        return [s for s in store.connected if channel in s.state.get(SUBSCRIPTIONS, ())]
    if session_ids:
        wanted = set(session_ids)
        return [session for session in store.connected if session.id in wanted]
    if session_id:
        return [session for session in store.connected if session.id == session_id]
    return [call.session]
