"""Files encrypted at rest, written and read as streams.

A file is ``MAGIC``, a salt, and pieces of 1 MiB, each sealed by AES-256-GCM: the STREAM
construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance, 2015; also in age and Tink). The nonce is the piece's number and
whether it is the last one, so that pieces can be neither exchanged nor cut off. Each file has a key
of its own, made from the installation's and the salt (HKDF-SHA256), and a label that says what it
is, so that one file cannot stand for another.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from scripts.operations.home import OperationError

MAGIC = b"MYBIZZ SEALED 1\n"
SALT_BYTES = 32
PIECE_BYTES = 1024 * 1024
TAG_BYTES = 16


class UnsealError(OperationError):
    """A file is not what was sealed, or another key sealed it."""


class Sealer:
    """Seals what is written to it into ``file``; on leaving, the last piece. ``sha256`` and
    ``size`` are those of the sealed file."""

    def __init__(self, file: IO[bytes], key: bytes, label: str):
        salt = secrets.token_bytes(SALT_BYTES)
        self._file = file
        self._cipher = _make_cipher(key, salt)
        self._label = label.encode()
        self._number = 0
        self._waiting = bytearray()
        self._digest = hashlib.sha256()
        self.size = 0
        self._put(MAGIC + salt)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        self._waiting += data
        # One piece stays behind: the last one is sealed as such.
        while len(self._waiting) > PIECE_BYTES:
            self._seal(bytes(self._waiting[:PIECE_BYTES]), is_last=False)
            del self._waiting[:PIECE_BYTES]
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Without its last piece, what failed midway can never be taken for whole.
        if kind is None:
            self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last)
        self._number += 1
        self._put(self._cipher.encrypt(nonce, piece, self._label))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)


def unseal(file: IO[bytes], key: bytes, label: str) -> Iterator[bytes]:
    """What was sealed, piece by piece, each proven before it is given out. ``UnsealError`` at the
    first that is not."""
    head = file.read(len(MAGIC) + SALT_BYTES)
    if not head.startswith(MAGIC) or len(head) < len(MAGIC) + SALT_BYTES:
        raise UnsealError(f"{label} is no sealed file.")
    cipher = _make_cipher(key, head[len(MAGIC) :])
    number = 0
    piece = file.read(PIECE_BYTES + TAG_BYTES)
    while True:
        following = file.read(PIECE_BYTES + TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, not following), piece, label.encode())
        except InvalidTag:
            raise UnsealError(
                f"{label} was changed or cut short since it was sealed, or another key sealed it."
            ) from None
        if not following:
            return
        piece, number = following, number + 1


def _make_cipher(key: bytes, salt: bytes) -> AESGCM:
    derived = HKDF(hashes.SHA256(), 32, salt, b"mybizz sealed file").derive(key)
    return AESGCM(derived)


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
