"""Between wire form and the Python values that native functions see (``wire/values.py``)."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from typing import Any

from app_server.wire.payload import Payload, WireError, object_type
from app_server.wire.streams import MediaStream, SourceStream
from app_server.wire.values import (
    Capability,
    LazyMedia,
    LiveObject,
    Media,
    MediaSource,
    PortableClass,
    PortableValue,
    SpooledMedia,
    WireValue,
)

MAX_PLAIN_INT = 2_147_483_647
"""Larger integers travel as ``Long`` (``fill_out_media`` in anvil/_server.py)."""


async def decode(payload: Payload, *, spools_media: bool = False) -> dict[str, Any]:
    """The body with every object in its place. Waits until all media have arrived. WireError where
    that cannot be done. With ``spools_media`` they are ``SpooledMedia``, so that large ones do not
    take memory."""
    data: dict[str, Any] = {
        name: await (stream.spool() if spools_media else stream.read())
        for name, stream in payload.media.items()
    }
    try:
        body: dict[str, Any] = _copy(payload.body)
    except RecursionError as error:
        raise WireError("The values of a message are nested too deeply.") from error
    for entry in payload.objects:
        _put(body, entry, data)
    return body


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _put(body: dict[str, Any], entry: dict[str, Any], media: dict[str, Any]) -> None:
    *way, last = entry["path"]
    holder: Any = body
    try:
        for step in way:
            holder = holder[step]
        current = holder[last] if object_type(entry) == "ValueType" else None
        holder[last] = _decode_object(entry, current, media)
    except (KeyError, IndexError, TypeError) as error:
        raise WireError(f"An object's path leads nowhere: {entry['path']!r}") from error


def _decode_object(entry: dict[str, Any], current: Any, media: dict[str, Any]) -> Any:
    kind = object_type(entry)
    if kind == "DataMedia":
        content_type = str(entry.get("mime-type") or "application/octet-stream")
        data, name = media[entry["id"]], entry.get("name")
        if isinstance(data, bytes):
            return Media(content_type, data, name)
        return SpooledMedia(content_type, data, data.tell(), name)
    if kind == "LazyMedia":
        return LazyMedia({k: v for k, v in entry.items() if k not in ("path", "type")})
    if kind == "LiveObject":
        return LiveObject({k: v for k, v in entry.items() if k not in ("path", "type")})
    if kind == "Capability":
        return Capability(list(entry["scope"]))
    if kind == "ValueType":
        return PortableValue(str(entry.get("typeName")), current)
    if kind == "ClassType":
        return PortableClass(str(entry.get("typeName")))
    return decode_plain(kind, entry.get("value"))


def decode_plain(kind: str, value: Any) -> Any:
    """Dates, numbers and primitives. WireError for text that is none."""
    try:
        if kind == "Date":
            return dt.date.fromisoformat(value[:10]) if value else None
        if kind == "DateTime":
            return parse_datetime(value) if value else None
        if kind == "Long":
            return int(value)
        if kind == "Float":
            return float(value)
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise WireError(f"{value!r:.100} is not a {kind}") from error
    return value


def parse_datetime(text: str) -> dt.datetime:
    """``YYYY-mm-dd HH:MM:SS.ffffff`` with an offset such as ``+0130``, or naive without."""
    return dt.datetime.fromisoformat(text.strip())


def format_datetime(value: dt.datetime) -> str:
    """As ``serialise_val`` writes it; a naive time counts as UTC, the server's time zone."""
    moment = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    minutes = round((moment.utcoffset() or dt.timedelta()).total_seconds() / 60)
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    stamp = moment.strftime("%m-%d %H:%M:%S.%f")
    return f"{moment.year:04d}-{stamp}{sign}{minutes // 60:02d}{minutes % 60:02d}"


class Encoder:
    """Collects ``objects`` and media while values are turned into JSON."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.media: dict[str, MediaStream] = {}
        self._path: list[str | int] = []

    def encode(self, value: Any) -> Any:
        """JSON for ``value``; what is not JSON is described in ``objects``. SerializationError for
        a value that cannot travel."""
        if value is None or isinstance(value, str | bool):
            return value
        if isinstance(value, int):
            if -MAX_PLAIN_INT <= value <= MAX_PLAIN_INT:
                return value
            return self._add("Long", value=str(value))
        if isinstance(value, float):
            return value if math.isfinite(value) else self._add("Float", value=_float_text(value))
        if isinstance(value, dict):
            return {self._key(key): self._at(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._at(index, item) for index, item in enumerate(value)]
        return self._encode_object(value)

    def _encode_object(self, value: Any) -> Any:
        if isinstance(value, WireValue):
            return value.to_wire(self.objects, list(self._path))
        if isinstance(value, dt.datetime):
            return self._add("DateTime", value=format_datetime(value))
        if isinstance(value, dt.date):
            return self._add("Date", value=value.isoformat())
        if isinstance(value, Capability):
            return self._add("Capability", scope=value.full_scope)
        if isinstance(value, Media):
            media_id = secrets.token_hex(8)
            self.media[media_id] = MediaStream.from_bytes(
                value.content_type, value.data, value.name
            )
            return self._add(
                "DataMedia", id=media_id, name=value.name, **{"mime-type": value.content_type}
            )
        if isinstance(value, MediaSource):
            media_id = secrets.token_hex(8)
            self.media[media_id] = SourceStream(value)
            return self._add(
                "DataMedia", id=media_id, name=value.name, **{"mime-type": value.content_type}
            )
        if isinstance(value, LazyMedia):
            return self._add("LazyMedia", **value.spec)
        if isinstance(value, LiveObject):
            return self._add("LiveObject", **value.spec)
        if isinstance(value, PortableValue):
            content = self.encode(value.value)
            self._add("ValueType", typeName=value.type_name)
            return content
        if isinstance(value, PortableClass):
            return self._add("ClassType", typeName=value.type_name)
        raise WireError(f"Cannot serialize a {type(value).__name__} at {self._path!r}")

    def _add(self, kind: str, **description: Any) -> None:
        self.objects.append({**description, "type": [kind], "path": list(self._path)})

    def _at(self, step: str | int, value: Any) -> Any:
        self._path.append(step)
        try:
            return self.encode(value)
        finally:
            self._path.pop()

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise WireError(f"Cannot serialize a dict with the key {key!r} at {self._path!r}")
        return key


def _float_text(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def encode(body: dict[str, Any], vt_global: dict[str, Any] | None = None) -> Payload:
    """``body`` in wire form. ``vt_global`` is the shared data of the portable values in it, by
    type name; on the wire it is a list of alternating names and data."""
    encoder = Encoder()
    json_body: dict[str, Any] = {}
    if vt_global:
        flat = [item for pair in vt_global.items() for item in pair]
        json_body["vt_global"] = encoder.encode({"vt_global": flat})["vt_global"]
    json_body.update(encoder.encode(body))
    return Payload(json_body, encoder.objects, encoder.media)


def decode_vt_global(value: Any) -> dict[str, Any]:
    """Shared data of portable values by type name. A plain object is the old form: all of it is
    under ``:GLOBAL`` (``SerializationInfo`` in anvil/_server.py)."""
    if isinstance(value, dict):
        return {":GLOBAL": value}
    if not isinstance(value, list):
        return {}
    if not all(isinstance(name, str) for name in value[::2]):
        raise WireError("The shared data of values are named by their type.")
    return dict(zip(value[::2], value[1::2], strict=False))
