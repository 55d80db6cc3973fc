"""``anvil.server.session`` between the router and the worker processes."""

from __future__ import annotations

from typing import Any

from app_server.errors import AnvilError
from app_server.sessions import Session
from app_server.wire.text import write_json

MAX_SESSION_BYTES = 1024 * 1024


def merge_user_data(session: Session, sent: dict[str, Any], returned: dict[str, Any]) -> None:
    """Take over what a function changed in ``anvil.server.session``. AnvilError where that is more
    than a session can hold; it stays as it was.

    ``sent`` is what it was given, ``returned`` what came back, both in wire form
    (``{"session": {...}, "objects": [...]}``). Calls of one session may overlap, so only the keys
    that differ between the two are changed. Portable values may share data across keys
    (``vt_global``); where they do, the change counts only if nobody else made one meanwhile, as on
    Anvil's server.
    """
    if "vt_global" in sent or "vt_global" in returned or "vt_global" in session.user_data:
        if returned != sent and session.user_data == sent:
            _keep(session, returned)
        return
    before, after = _by_key(sent), _by_key(returned)
    if before == after:
        return
    now = _by_key(session.user_data)
    for key in before.keys() | after.keys():
        if before.get(key) == after.get(key):
            continue
        if key in after:
            now[key] = after[key]
        else:
            now.pop(key, None)
    merged = {
        "session": {key: value for key, (value, _) in now.items()},
        "objects": [entry for _, objects in now.values() for entry in objects],
    }
    _keep(session, merged)


def _keep(session: Session, data: dict[str, Any]) -> None:
    if len(write_json(data)) > MAX_SESSION_BYTES:
        raise AnvilError(
            f"anvil.server.session can hold at most {MAX_SESSION_BYTES // 1024} KB. Keep larger "
            "things in a data table.",
            "anvil.server.QuotaExceededError",
        )
    session.user_data = data
    session.save()


def _by_key(data: dict[str, Any]) -> dict[str, tuple[Any, list[dict[str, Any]]]]:
    """Each key's value with the objects inside it."""
    values = data.get("session") or {}
    keyed: dict[str, tuple[Any, list[dict[str, Any]]]] = {k: (v, []) for k, v in values.items()}
    for entry in data.get("objects") or ():
        path = entry.get("path") or []
        if len(path) >= 2 and path[0] == "session" and path[1] in keyed:
            keyed[path[1]][1].append(entry)
    return keyed
