"""JSON text of messages."""

from __future__ import annotations

import json
from typing import Any

import orjson


def write_json(message: Any) -> str:
    try:
        return orjson.dumps(message).decode()
    except (TypeError, orjson.JSONEncodeError):
        # Lone surrogates and integers beyond 64 bits: rare, and only the standard library can.
        return json.dumps(message)


def read_json(text: str | bytes) -> Any:
    """ValueError where it is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
