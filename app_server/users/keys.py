"""Single-use keys that travel in e-mailed links.

A user's keys live in the column ``email_confirmation_key`` of the user table, where Anvil's server
keeps its one key. A key itself is never stored: the column holds a space-separated list of
``purpose:expiry:sha256`` (expiry in seconds since 1970, 0 once used). A bare text without a colon
is a key of Anvil's server, which stays good for confirming an address after a move from there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum


class Purpose(StrEnum):
    """What a key allows. ``LOGIN``, ``MFA_RESET`` and ``PW_RESET`` are the types of Anvil's
    ``generate_email_link_token``; ``RESET`` opens the password page."""

    CONFIRM = "confirm"
    RESET = "reset"
    LOGIN = "login"
    MFA_RESET = "mfa-reset"
    PW_RESET = "pw-reset"


LIFETIMES = {
    Purpose.CONFIRM: timedelta(days=7),
    Purpose.RESET: timedelta(hours=1),
    Purpose.LOGIN: timedelta(minutes=10),
    Purpose.MFA_RESET: timedelta(minutes=10),
    Purpose.PW_RESET: timedelta(minutes=10),
}

MAX_LIVE_KEYS = 5
"""Of one purpose and user. It bounds how much mail others can make the server send to somebody."""


class KeyState(Enum):
    """How good a key is."""

    VALID = "valid"
    EXPIRED = "expired"
    USED = "used"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class _Entry:
    purpose: str
    expires: int
    digest: str

    def __str__(self) -> str:
        return f"{self.purpose}:{self.expires}:{self.digest}"


def issue_key(column: object, purpose: Purpose, now: datetime) -> tuple[str, str] | None:
    """A new key and the column's new content; None when enough of them are still good."""
    entries = _read(column)
    alive = [entry for entry in entries if entry.purpose == purpose and _is_live(entry, now)]
    if len(alive) >= MAX_LIVE_KEYS:
        return None
    key = secrets.token_urlsafe(24)
    expires = int((now + LIFETIMES[purpose]).timestamp())
    # Used and expired keys of the same purpose end here: their links said so long enough.
    kept = [entry for entry in entries if entry.purpose != purpose or entry in alive]
    return key, _write([*kept, _Entry(purpose, expires, _digest(key))])


def check_key(column: object, purpose: Purpose, key: str, now: datetime) -> KeyState:
    """How good a key is for a purpose, by what the user's column holds."""
    if _is_foreign_key(column, purpose, key):
        return KeyState.VALID
    entry = _find(_read(column), purpose, key)
    if entry is None:
        return KeyState.UNKNOWN
    if entry.expires == 0:
        return KeyState.USED
    return KeyState.VALID if _is_live(entry, now) else KeyState.EXPIRED


def spend_key(column: object, purpose: Purpose, key: str) -> str | None:
    """The column's content once the key is used: it is remembered as used, and all others of its
    purpose are void."""
    entries = _read(column)
    used = _find(entries, purpose, key)
    kept = [entry for entry in entries if entry.purpose != purpose]
    return _write([*kept, replace(used, expires=0)] if used else kept) or None


def void_keys(column: object, purposes: Iterable[Purpose]) -> str | None:
    """The column's content without the keys of these purposes that could still be used."""
    gone = set(purposes)
    kept = [entry for entry in _read(column) if entry.purpose not in gone or entry.expires == 0]
    return _write(kept) or None


def _read(column: object) -> list[_Entry]:
    entries = []
    for part in column.split() if isinstance(column, str) else []:
        fields = part.split(":")
        if len(fields) == 3 and fields[1].isdigit():
            entries.append(_Entry(fields[0], int(fields[1]), fields[2]))
    return entries


def _write(entries: Iterable[_Entry]) -> str:
    return " ".join(str(entry) for entry in entries)


def _is_live(entry: _Entry, now: datetime) -> bool:
    return entry.expires > now.timestamp()


def _find(entries: list[_Entry], purpose: Purpose, key: str) -> _Entry | None:
    digest = _digest(key)
    for entry in entries:
        if entry.purpose == purpose and hmac.compare_digest(entry.digest, digest):
            return entry
    return None


def _is_foreign_key(column: object, purpose: Purpose, key: str) -> bool:
    if purpose is not Purpose.CONFIRM or not isinstance(column, str) or not column:
        return False
    return ":" not in column and hmac.compare_digest(column.encode(), key.encode())


def _digest(key: str) -> str:
    # No salt and no stretching: a key has 192 random bits.
    return hashlib.sha256(key.encode()).hexdigest()
