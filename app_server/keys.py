"""The secret of an instance, from which all its keys are made."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from app_server.errors import StartupError

SECRET_BYTES = 32


class InstanceKeys:
    """Keys of one instance. Nothing signed with them is worth anything at another instance."""

    def __init__(self, secret: bytes):
        self._secret = secret

    def derive(self, label: str) -> bytes:
        """A key of 32 bytes for one purpose (HKDF-Expand of RFC 5869 with one block)."""
        return hmac.digest(self._secret, label.encode() + b"\x01", hashlib.sha256)

    @classmethod
    def load(cls, data_dir: Path) -> InstanceKeys:
        """The keys kept in ``secret.key`` of an instance's data folder, made at the first start and
        readable by its owner only."""
        path = data_dir / "secret.key"
        try:
            if not path.exists():
                _make_secret(path)
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise StartupError(f"Cannot read or make {path}: {error}.") from error
        try:
            secret = bytes.fromhex(text.strip())
        except ValueError:
            secret = b""
        if len(secret) != SECRET_BYTES:
            raise StartupError(f"{path} is damaged: it has to hold {SECRET_BYTES * 2} hex digits.")
        return cls(secret)


def _make_secret(path: Path) -> None:
    """Write a new secret under another name first: whoever stops us half-way leaves none, and of
    two that start at once both use the same."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_bytes(SECRET_BYTES).hex())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
