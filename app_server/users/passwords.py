"""Password hashes that Anvil's own server reads, and what makes a password acceptable."""

from __future__ import annotations

import asyncio
import re
from functools import cache

import bcrypt

from app_server.users.errors import password_not_acceptable

HASH_ROUNDS = 10
"""log2 of the work; the default of jBCrypt, which Anvil's server uses, and OWASP's minimum."""

BCRYPT_BYTES = 72
"""bcrypt reads no further. jBCrypt cuts silently, so hashes move between servers only if we do."""

MIN_LENGTH = 8
MAX_LENGTH = 1000
MIN_SCORE = 2
"""zxcvbn's estimate: below 2 means that a million guesses are enough."""

RULES = (
    f"At least {MIN_LENGTH} characters",
    "Not a common password, a simple pattern or your e-mail address",
)


async def hash_password(password: str) -> str:
    """A ``$2a$10$...`` hash, made in a thread."""
    return await asyncio.to_thread(_hash, password)


async def is_password_right(password: object, password_hash: object) -> bool:
    """Whether they belong together. Takes as long when there is no hash (an unknown user, or one
    without a password) as when there is one, so that time does not tell who has an account."""
    return await asyncio.to_thread(_check, password, password_hash)


async def check_acceptable(password: object, *, is_strict: bool, email: str = "") -> str:
    """The password itself, or ``anvil.users.PasswordNotAcceptable`` with the reason.

    ``is_strict`` is the option ``require_secure_passwords``. Anvil's server asks
    haveibeenpwned.com whether a password has leaked; this one works without internet and asks the
    word lists and patterns of zxcvbn (Wheeler, USENIX Security 2016) instead, so a password that
    leaked but is neither common nor simple is accepted here.
    """
    if not isinstance(password, str) or not password:
        raise password_not_acceptable("Please provide a password.")
    if len(password) > MAX_LENGTH:
        raise password_not_acceptable(f"Passwords must be at most {MAX_LENGTH} characters.")
    if "\0" in password:
        raise password_not_acceptable("Passwords must not hold the character NUL.")
    if is_strict:
        if len(password) < MIN_LENGTH:
            raise password_not_acceptable(f"Passwords must be {MIN_LENGTH} characters or more.")
        complaint = await asyncio.to_thread(_find_weakness, password, email)
        if complaint:
            raise password_not_acceptable(complaint)
    return password


def _hash(password: str) -> str:
    salt = bcrypt.gensalt(HASH_ROUNDS, prefix=b"2a")
    return bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], salt).decode()


@cache
def _hash_of_nobody() -> str:
    return _hash("the password of somebody who does not exist")


def _check(password: object, password_hash: object) -> bool:
    usable = isinstance(password, str) and isinstance(password_hash, str)
    # $2x$ and $2y$ are names that other libraries gave to the same algorithm.
    known = re.sub(r"^\$2[bxy]\$", "$2a$", password_hash) if isinstance(password_hash, str) else ""
    given = password if isinstance(password, str) else ""
    try:
        is_right = bcrypt.checkpw(given.encode()[:BCRYPT_BYTES], known.encode())
    except ValueError:
        bcrypt.checkpw(b"", _hash_of_nobody().encode())
        return False
    return usable and is_right


def _find_weakness(password: str, email: str) -> str | None:
    from zxcvbn import zxcvbn  # half a second to load its word lists: only where it is needed

    personal = [email, email.split("@")[0], *re.split(r"[^A-Za-z0-9]+", email)]
    # Its time grows with the square of the length; what follows 64 characters adds strength only.
    verdict = zxcvbn(password[:64], user_inputs=[word for word in personal if len(word) > 2])
    if verdict["score"] >= MIN_SCORE:
        return None
    warning = str(verdict["feedback"]["warning"] or "").rstrip(".")
    reason = f": {warning[0].lower()}{warning[1:]}" if warning else ""
    return f"This password is too easy to guess{reason}. Try a few unrelated words."
