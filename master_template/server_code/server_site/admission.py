"""Whom the app is for: everyone, or only the people who work here."""

from __future__ import annotations

_closed: list[bool] = []  # filled while modules are imported, constant afterwards


def close_to_public() -> None:
    """Have no public pages and no sign-up. An app that depends on this one says so while its
    modules are imported; its people come by invitation."""
    _closed[:] = [True]


def is_closed_to_public() -> bool:
    """Whether only people who work here have something to do with this app."""
    return bool(_closed)
