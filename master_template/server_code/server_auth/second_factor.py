"""A user's second factor as it is kept, and whether a code is right.

``users.second_factor``: ``{"id", "is_on", "since", "last_step", "recovery", "failures",
"locked_until"}``, times in ISO form; ``users.second_factor_encrypted`` has the secret.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from anvil.tables import app_tables

from ..server_shared import clock
from ..server_shared.encryption import decrypt, encrypt
from ..server_shared.errors import DeniedError, InvalidError
from ..server_shared.transactions import in_transaction
from . import totp

MAX_FAILURES = 5
LOCK_MINUTES = 15
OFF: dict[str, Any] = {"second_factor": None, "second_factor_encrypted": None}


def state_of(row: Any) -> Mapping[str, Any]:
    """What is kept of a user's factor; empty where there is none."""
    return row["second_factor"] or {}


def is_on(row: Any) -> bool:
    """Whether a log-in of this user takes a code."""
    return state_of(row).get("is_on") is True


def factor_id(row: Any) -> str | None:
    """Which factor a log-in has to have shown; None where none is asked for."""
    return state_of(row)["id"] if is_on(row) else None


def new_columns(secret: str) -> dict[str, Any]:
    """The columns of a factor that is being set up: it counts once a code has been shown."""
    state = {"id": secrets.token_hex(8), "is_on": False, "failures": 0}
    return {"second_factor": state, "second_factor_encrypted": encrypt(secret)}


def secret_of(row: Any) -> str:
    """The secret of a factor that is on or being set up."""
    return decrypt(row["second_factor_encrypted"])


def check(user_id: str, code: str, *, field: str = "code") -> Any:
    """Take a code of the app, or a recovery code, from this user; give their row.

    Raises :class:`InvalidError` at ``field`` where it is wrong, and :class:`DeniedError`
    (``locked``) after MAX_FAILURES wrong ones, for LOCK_MINUTES. Call it outside of the transaction
    of what it protects: the failure is counted.
    """
    row, outcome = _take(user_id, code)
    if outcome == "locked":
        raise DeniedError(
            f"Too many wrong codes. Please wait {LOCK_MINUTES} minutes.", code="locked"
        )
    if outcome == "wrong":
        raise InvalidError(
            "This code is not right. Each is good once, for half a minute.", field=field
        )
    return row


@in_transaction
def _take(user_id: str, code: str) -> tuple[Any, str]:
    row = app_tables.users.get_by_id(user_id)
    if row is None or not state_of(row):
        return row, "wrong"
    state = dict(state_of(row))
    now = clock.now()
    until = state.get("locked_until")
    if until is not None and datetime.fromisoformat(until) > now:
        return row, "locked"
    changes = _match(row, state, code, now)
    if changes is None:
        failures = int(state.get("failures") or 0) + 1
        changes = {"failures": failures}
        if failures >= MAX_FAILURES:
            locked_until = now + timedelta(minutes=LOCK_MINUTES)
            changes = {"failures": 0, "locked_until": locked_until.isoformat()}
        row["second_factor"] = {**state, **changes}
        return row, "wrong"
    row["second_factor"] = {**state, **changes, "failures": 0, "locked_until": None}
    return row, "right"


def _match(row: Any, state: Mapping[str, Any], code: str, now: datetime) -> dict[str, Any] | None:
    """What a right code changes in the state; None for a wrong one."""
    last = int(state.get("last_step", -1))
    step = totp.match(secret_of(row), code, now.timestamp(), after=last)
    if step is not None:
        return {"last_step": step}
    recovery = list(state.get("recovery") or ())
    hashed = totp.hash_recovery(code, state["id"])
    if state.get("is_on") and hashed in recovery:
        recovery.remove(hashed)
        return {"recovery": recovery}
    return None
