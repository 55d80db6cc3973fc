"""Values in wire form, on their way from one peer to another.

A message carries JSON members (``args``, ``kwargs``, ``response``, ...) and ``objects``: for each
value that is not JSON, its description and its ``path`` into the message. The router does not
build most of those values; it checks what has to be checked (capabilities, live objects), takes
MACs off on the way in and puts the receiver's on again on the way out.
Source: ``fill_out_media`` and ``_reconstruct_objects`` in anvil/_server.py of the server wheel,
and anvil.dispatcher.serialisation.core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from app_server.errors import AnvilError
from app_server.wire.macs import TABLE_SCOPE, InvalidObjectError, MacKey
from app_server.wire.streams import MediaStream

KNOWN_TYPES = frozenset(
    (
        "Primitive",
        "DataMedia",
        "LazyMedia",
        "LiveObject",
        "Capability",
        "Date",
        "DateTime",
        "Long",
        "Float",
        "ValueType",
        "ClassType",
    )
)
CALL_MEMBERS = ("args", "kwargs", "vt_global")
REPLY_MEMBERS = ("response", "vt_global", "capUpdates", "cacheUpdates", "taskState")

OpenStream = Callable[[dict[str, Any]], MediaStream]


class WireError(AnvilError):
    """A message that is not as the protocol says."""

    def __init__(self, message: str):
        super().__init__(message, "anvil.server.SerializationError")


@dataclass(slots=True)
class Payload:
    """``body``: JSON members of a message. ``objects``: their descriptions, without MACs.
    ``media``: the streams of those of type DataMedia, by id."""

    body: dict[str, Any] = field(default_factory=dict)
    objects: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, MediaStream] = field(default_factory=dict)


def take_payload(
    message: dict[str, Any],
    members: Iterable[str],
    key: MacKey,
    open_stream: OpenStream,
    *,
    is_trusted: bool,
) -> Payload:
    """The members of a message that hold values. InvalidObjectError for a forged object, WireError
    for one that cannot be understood. ``open_stream`` is called for each DataMedia."""
    try:
        return _take_payload(message, members, key, open_stream, is_trusted=is_trusted)
    except RecursionError as error:
        raise WireError("The values of a message are nested too deeply.") from error
    except (TypeError, AttributeError, LookupError, ValueError) as error:
        raise WireError("The values of a message are not as the protocol says.") from error


def _take_payload(
    message: dict[str, Any],
    members: Iterable[str],
    key: MacKey,
    open_stream: OpenStream,
    *,
    is_trusted: bool,
) -> Payload:
    body = {name: message[name] for name in members if message.get(name) is not None}
    payload = Payload(body)
    for entry in message.get("objects") or ():
        kind = object_type(entry)
        path = entry.get("path")
        if not isinstance(path, list) or not path:
            raise WireError("An object has no path.")
        if path[0] not in body and path[0] not in members:
            continue
        _check_path(body, path, may_be_missing=path[0] not in body)
        payload.objects.append(_take_object(kind, entry, key, is_trusted))
        if kind == "DataMedia":
            payload.media[str(entry["id"])] = open_stream(entry)
    return payload


def give_objects(payload: Payload, key: MacKey) -> list[dict[str, Any]]:
    """The ``objects`` of a message for a receiver with this key."""
    return [_give_object(entry, key) for entry in payload.objects]


def object_type(entry: Any) -> str:
    """The first of an object's types that the protocol knows."""
    types = entry.get("type") if isinstance(entry, dict) else None
    for name in types if isinstance(types, list) else ():
        if name in KNOWN_TYPES:
            return str(name)
    raise WireError(f"Cannot accept an object of type {types!r}")


def _check_path(body: dict[str, Any], path: list[Any], *, may_be_missing: bool) -> None:
    here: Any = body
    for step in path[:-1]:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError) as error:
            raise WireError(f"An object's path leads nowhere: {path!r}") from error
    last = path[-1]
    is_right = (isinstance(here, dict) and isinstance(last, str)) or (
        isinstance(here, list) and isinstance(last, int) and 0 <= last < len(here)
    )
    if not is_right and not may_be_missing:
        raise WireError(f"An object's path leads nowhere: {path!r}")


def _take_object(kind: str, entry: dict[str, Any], key: MacKey, is_trusted: bool) -> dict[str, Any]:
    if kind == "Capability":
        key.check_capability(entry, is_trusted=is_trusted)
        if entry.get("narrow") and entry["scope"][:2] == TABLE_SCOPE:
            raise InvalidObjectError("capability")
        if not isinstance(entry.get("narrow") or [], list):
            raise WireError("A capability is narrowed by a list.")
        taken = {k: v for k, v in entry.items() if k not in ("mac", "narrow")}
        taken["scope"] = [*entry["scope"], *(entry.get("narrow") or ())]
        return taken
    if kind == "LiveObject":
        key.check_live_object(entry)
        taken = {k: v for k, v in entry.items() if k != "mac"}
        if is_trusted:
            _map_nested(taken, lambda e: _take_object(object_type(e), e, key, is_trusted))
        else:
            taken.pop("itemCache", None)
            taken.pop("iterItems", None)
        return taken
    if kind == "DataMedia" and not isinstance(entry.get("id"), str):
        raise WireError("A media object has no id.")
    return entry


def _give_object(entry: dict[str, Any], key: MacKey) -> dict[str, Any]:
    kind = object_type(entry)
    if kind == "Capability":
        return {**entry, "mac": key.sign_capability(entry["scope"])}
    if kind == "LiveObject":
        given = {**entry, "mac": key.sign_live_object(entry)}
        _map_nested(given, lambda e: _give_object(e, key))
        return given
    return entry


def _map_nested(spec: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Apply ``change`` to the objects inside a live object (its cache and first page)."""
    if spec.get("itemCache"):
        spec["itemCache"] = {k: change(v) for k, v in spec["itemCache"].items()}
    if (spec.get("iterItems") or {}).get("items"):
        items = [change(v) for v in spec["iterItems"]["items"]]
        spec["iterItems"] = {**spec["iterItems"], "items": items}
