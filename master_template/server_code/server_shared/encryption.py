"""Fields that the database holds only encrypted, and hashes by which they can be found again.

A value is encrypted into ``e1.<key id>.<Fernet token>``: the version of this format, eight
hexadecimal digits that say which key it was (a hash of it), and what Fernet made of the text
(AES-128-CBC with an HMAC-SHA256, https://github.com/fernet/spec). Keep it in a text column whose
name ends in ``_encrypted``: that ending is what ``key_rotation`` goes by.

Two secrets of the instance hold the keys, as ``scripts/provision`` writes them:

- ``field_encryption_keys``: Fernet keys, newest first, separated by commas. The first encrypts,
  each of them decrypts.
- ``search_hash_key``: urlsafe base64 of 32 bytes or more. It stays for as long as the data does:
  another one would find nothing that was hashed before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import anvil.secrets
import anvil.server
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from .config import default_country
from .errors import AppError, InvalidError
from .validators import Email, Phone, Rule

KEYS_SECRET = "field_encryption_keys"
SEARCH_SECRET = "search_hash_key"
KEY_BYTES = 32  # of a Fernet key: half for signing, half for encrypting
MAX_TEXT_BYTES = 65_536
CACHE_SECONDS = 5.0  # how long decrypt() goes on with the keys that it has read
COLUMN_ENDING = "_encrypted"

EMAIL, PHONE = "email", "phone"

_TOKEN = re.compile(r"e1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+={0,2})")

log = logging.getLogger("mybizz.encryption")


class EncryptionError(AppError):
    """A value cannot be encrypted or read. Codes: ``encryption_not_set_up`` (a key is missing or
    malformed), ``encryption_key_unknown`` (of a key that is no longer there), and
    ``encrypted_value_damaged``."""

    code = "encryption_not_set_up"


@dataclass(frozen=True)
class KeyRing:
    """The keys of the instance by their ids, newest first. Its text shows the ids only."""

    keys: dict[str, Fernet] = field(repr=False)

    @property
    def ids(self) -> list[str]:
        return list(self.keys)

    @property
    def newest_id(self) -> str:
        return next(iter(self.keys))

    def encrypt(self, text: str) -> str:
        fernets = MultiFernet(list(self.keys.values()))
        return f"{prefix_of(self.newest_id)}{fernets.encrypt(_to_bytes(text)).decode()}"

    def decrypt(self, token: str) -> str:
        key_id, sealed = _take_apart(token)
        fernet = self.keys.get(key_id)
        if fernet is None:
            raise EncryptionError(
                "A protected value was encrypted with a key that this business no longer has. "
                "Its operator can put the key back; otherwise please enter the value again.",
                code="encryption_key_unknown",
            )
        try:
            return fernet.decrypt(sealed).decode()
        except (InvalidToken, UnicodeDecodeError):
            raise _damaged() from None


# What decrypt() read last, and when (monotonic seconds). Only ever replaced as a whole.
_cached: tuple[float, KeyRing] | None = None


def encrypt(text: str) -> str:
    """The text as a token, by the newest key. Two tokens of one text differ.

    Raises :class:`EncryptionError` where there is no key, and :class:`InvalidError` where the text
    has more than MAX_TEXT_BYTES.
    """
    return read_keys().encrypt(text)


def decrypt(token: str) -> str:
    """The text of a token of :func:`encrypt`, by whichever key. Raises :class:`EncryptionError`."""
    cached = _cached
    if cached is not None and time.monotonic() - cached[0] < CACHE_SECONDS:
        try:
            return cached[1].decrypt(token)
        except EncryptionError as error:
            if error.code != "encryption_key_unknown":
                raise
            # The operator may have added the key a moment ago.
    return read_keys().decrypt(token)


def read_keys() -> KeyRing:
    """The keys as the instance has them now. Raises :class:`EncryptionError`."""
    global _cached
    keys: dict[str, Fernet] = {}
    for text in _read_secret(KEYS_SECRET).split(","):
        raw = _decode_key(text.strip())
        if raw is None or len(raw) != KEY_BYTES:
            raise _not_set_up(
                f"the secret {KEYS_SECRET} must be Fernet keys (urlsafe base64 of {KEY_BYTES} "
                f"bytes each) separated by commas; number {len(keys) + 1} is none"
            )
        keys[key_id_of(raw)] = Fernet(base64.urlsafe_b64encode(raw))
    ring = KeyRing(keys)
    _cached = (time.monotonic(), ring)
    return ring


def search_hash(kind: str, text: str) -> str:
    """By what a value can be found that is kept encrypted: the same for each way of writing it.

    ``kind`` is EMAIL or PHONE; the text is brought into one form as ``validators`` does, a number
    without ``+`` being one of the business's country. Gives ``h1.`` and 64 hexadecimal digits of an
    HMAC-SHA256. Raises :class:`InvalidError` where the text is no such thing, and
    :class:`EncryptionError` where there is no key.
    """
    return search_hashes(kind, [text])[text]


def search_hashes(kind: str, texts: Iterable[str]) -> dict[str, str]:
    """The :func:`search_hash` of each of many texts, by the text; the key is read once."""
    rules: dict[str, Rule] = {
        EMAIL: Email("E-mail", required=True),
        PHONE: Phone("Phone", country=default_country, required=True),
    }
    if kind not in rules:
        raise ValueError(f"There are hashes of {EMAIL} and {PHONE}, not of {kind!r}.")
    key = _read_search_key()
    return {text: "h1." + _digest(key, f"{kind}\0{rules[kind].clean(text)}") for text in texts}


def keyed_digest(text: str) -> str:
    """64 hexadecimal digits of an HMAC-SHA256 of a text, which nobody makes without this instance's
    key. Begin the text with what it is for. Raises :class:`EncryptionError` where there is none."""
    return _digest(_read_search_key(), text)


def _read_search_key() -> bytes:
    key = _decode_key(_read_secret(SEARCH_SECRET).strip())
    if key is None or len(key) < KEY_BYTES:
        raise _not_set_up(
            f"the secret {SEARCH_SECRET} must be urlsafe base64 of {KEY_BYTES} bytes or more"
        )
    return key


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def prefix_of(key_id: str) -> str:
    """How every token of a key begins."""
    return f"e1.{key_id}."


def key_id_of(raw: bytes) -> str:
    """What a key is called where it may not be shown."""
    return hashlib.sha256(b"mybizz field encryption key\0" + raw).hexdigest()[:8]


def _read_secret(name: str) -> str:
    try:
        value: str = anvil.secrets.get_secret(name)
    except anvil.server.AnvilWrappedError:
        value = ""
    if not value:
        raise _not_set_up(f"the secret {name} is missing")
    return value


def _decode_key(text: str) -> bytes | None:
    """None where this is not urlsafe base64. Never tells what it was."""
    try:
        return base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _not_set_up(reason: str) -> EncryptionError:
    """Tells the operator by the log what is wrong, and the caller that it is not their fault."""
    log.error(
        "Fields cannot be encrypted: %s. See `Keys of encrypted fields` in the guide.", reason
    )
    return EncryptionError(
        "Protected values cannot be kept or read at the moment, because this business's "
        "encryption keys are not set up. Its operator has been told."
    )


def _damaged() -> EncryptionError:
    return EncryptionError(
        "A protected value is damaged and cannot be read. Please enter it again.",
        code="encrypted_value_damaged",
    )


def _to_bytes(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InvalidError("The text holds half of a character.") from None
    if len(data) > MAX_TEXT_BYTES:
        raise InvalidError(
            f"A protected text may have at most {MAX_TEXT_BYTES:,} bytes, not {len(data):,}."
        )
    return data


def _take_apart(token: str) -> tuple[str, bytes]:
    """Key id and Fernet token. Only the one canonical spelling is taken."""
    found = _TOKEN.fullmatch(token) if isinstance(token, str) else None
    if found is None:
        raise _damaged()
    sealed = found[2].encode()
    raw = _decode_key(found[2])
    if raw is None or base64.urlsafe_b64encode(raw) != sealed:
        raise _damaged()
    return found[1], sealed
