"""The key that an installation's backups are sealed with: ``<data>/backup.key``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.operations.home import Home, OperationError

KEY_BYTES = 32


@dataclass(frozen=True)
class BackupKey:
    raw: bytes

    @property
    def id(self) -> str:
        """Tells keys apart and nothing about them."""
        return hashlib.sha256(b"mybizz backup key\0" + self.raw).hexdigest()[:12]

    def sign(self, facts: Mapping[str, Any]) -> str:
        """The HMAC-SHA256 of a manifest, by a key made for that."""
        key = hmac.digest(self.raw, b"mybizz backup manifest", "sha256")
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return hmac.digest(key, text.encode(), "sha256").hex()


def key_file(home: Home) -> Path:
    return home.data / "backup.key"


def make_backup_key(home: Home) -> BackupKey:
    """The installation's key, made at the first backup."""
    path = key_file(home)
    if not path.exists():
        text = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        draft = path.with_name(f".backup.key.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # Fails where somebody else made one meanwhile: that one counts.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return read_backup_key(home)


def read_backup_key(home: Home) -> BackupKey:
    """Raises ``OperationError`` where there is none, or it is no key."""
    path = key_file(home)
    try:
        raw = base64.urlsafe_b64decode(path.read_text().strip())
    except FileNotFoundError:
        raise OperationError(
            f"There is no {path}: nothing can be read from backups without the key that sealed "
            "them. Put your copy of it there."
        ) from None
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise OperationError(f"{path} holds no key. Put your copy of it there.")
    return BackupKey(raw)
