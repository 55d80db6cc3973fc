"""Passwords outside of a log-in: hashed as the Users service hashes them, and asked for again
before something that cannot be taken back."""

from __future__ import annotations

from typing import Any

import bcrypt
from anvil.tables import app_tables

from ..server_shared.errors import DeniedError, InvalidError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Rule

# OWASP, Password Storage Cheat Sheet: a work factor of 10 or more. The Users service takes 10 too.
BCRYPT_ROUNDS = 10
# As many wrong ones lock an account; the option max_password_failures of the Users service.
MAX_FAILURES = 10


class GivenPassword(Rule):
    """A password as someone typed it to show who they are: nothing is said about its quality."""

    def clean(self, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise InvalidError(f"{self.label} is required.")
        if len(value) > 1000:
            raise InvalidError(f"{self.label} may have at most 1000 characters.")
        return value


def make_hash(password: str) -> str:
    """The hash that the Users service of either server reads."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS, prefix=b"2a")).decode()


def confirm(user: Any, password: str, *, field: str = "password") -> None:
    """Return if it is this user's password. A wrong one counts as at a log-in, so call it outside
    of the transaction of what it protects.

    Raises :class:`InvalidError` at ``field``, or :class:`DeniedError` (``locked``).
    """
    _count(user.get_id(), 1)
    known = (user["password_hash"] or "").encode()
    try:
        is_right = bcrypt.checkpw(password.encode()[:72], known)
    except ValueError:
        is_right = False
    if not is_right:
        raise InvalidError("This is not your password.", field=field)
    _count(user.get_id(), -1)


@in_transaction
def _count(user_id: str, step: int) -> None:
    """Count a try before it is looked at, so that many at once are counted too."""
    row = app_tables.users.get_by_id(user_id)
    if row is None:
        raise DeniedError("Your account may not do this any more.")
    failures = int(row["n_password_failures"] or 0)
    if step > 0 and failures >= MAX_FAILURES:
        raise DeniedError(
            "Too many wrong passwords. Choose a new one by e-mail to go on.", code="locked"
        )
    row["n_password_failures"] = max(0, failures + step)
