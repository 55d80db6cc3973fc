"""JSON text of messages."""

from __future__ import annotations

import json
from typing import Any

import orjson

from app_server.wire.payload import WireError

TOO_DEEP = "Data nested more than 250 levels deep cannot be sent."
"""orjson stops at 254 levels; what reads it behind us (the workers) stops soon after."""


def write_json(message: Any) -> str:
    """WireError where it is nested too deeply."""
    try:
        return orjson.dumps(message).decode()
    except (TypeError, orjson.JSONEncodeError) as error:
        if "Recursion limit" in str(error):
            raise WireError(TOO_DEEP) from error
        # Lone surrogates and integers beyond 64 bits: rare, and only the standard library can.
        try:
            return json.dumps(message)
        except RecursionError as too_deep:
            raise WireError(TOO_DEEP) from too_deep


def write_json_bytes(message: Any) -> bytes:
    """In UTF-8. WireError as ``write_json``."""
    try:
        return orjson.dumps(message)
    except (TypeError, orjson.JSONEncodeError):
        return write_json(message).encode()


def read_json(text: str | bytes) -> Any:
    """ValueError where it is not JSON, or nested more than a thousand levels deep."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text)
        except RecursionError as error:
            raise ValueError(TOO_DEEP) from error
