"""``anvil.private.bcrypt``: password hashes in the form that jBCrypt makes (``$2a$``)."""

from __future__ import annotations

import asyncio
import re

import bcrypt

from app_server.errors import AnvilError
from app_server.native.registry import NativeCall, native

DEFAULT_ROUNDS = 10
MIN_ROUNDS = 4
MAX_ROUNDS = 16
"""log2 of the work. 16 takes some four seconds; more would be an easy way to stop the server."""

MAX_CLIENT_ROUNDS = 10
BCRYPT_BYTES = 72


@native("anvil.private.bcrypt.gensalt")
async def generate_salt(call: NativeCall, rounds: int | None = None) -> str:
    """A salt that names its rounds, for ``hashpw``."""
    chosen = DEFAULT_ROUNDS if rounds is None else rounds
    if not isinstance(chosen, int) or not MIN_ROUNDS <= chosen <= MAX_ROUNDS:
        raise AnvilError(f"bcrypt takes {MIN_ROUNDS} to {MAX_ROUNDS} rounds, not {chosen}")
    return bcrypt.gensalt(chosen, prefix=b"2a").decode()


@native("anvil.private.bcrypt.hashpw")
async def hash_password(call: NativeCall, password: str, salt: str) -> str:
    """The hash of a password with a salt, which may be a whole hash (to check a password)."""
    limit = MAX_CLIENT_ROUNDS if call.is_client else MAX_ROUNDS
    if not isinstance(password, str) or not isinstance(salt, str):
        raise AnvilError("Could not hash password: password and salt have to be strings")
    match = re.match(r"\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{22}", salt)
    if match is None:
        raise AnvilError("Could not hash password: Invalid salt")
    if int(match[1]) > limit:
        raise AnvilError(f"Could not hash password: more than {limit} rounds")
    try:
        # jBCrypt cuts what is longer without a word.
        hashed = await asyncio.to_thread(
            bcrypt.hashpw, password.encode()[:BCRYPT_BYTES], salt.encode()
        )
    except ValueError as error:
        raise AnvilError(f"Could not hash password: {error}") from error
    return hashed.decode()
