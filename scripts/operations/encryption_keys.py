"""The keys of an instance's encrypted fields, as they stand in ``instance.yaml``.

``secret: {field_encryption_keys: "NEWEST,OLDER", search_hash_key: "..."}``: see
``master_template/server_code/server_shared/encryption.py``, which reads them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

from scripts.operations.home import OperationError

KEYS_SECRET = "field_encryption_keys"
SEARCH_SECRET = "search_hash_key"


def make_key() -> str:
    """A Fernet key: urlsafe base64 of 32 random bytes."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def make_secrets() -> dict[str, str]:
    """What a new instance begins with."""
    return {KEYS_SECRET: make_key(), SEARCH_SECRET: make_key()}


def read_keys(config: dict[str, Any]) -> list[str]:
    """The keys of a configuration, newest first; none where it has none yet."""
    text = str(_secrets_of(config).get(KEYS_SECRET) or "")
    return [key.strip() for key in text.split(",") if key.strip()]


def read_key_ids(config: dict[str, Any]) -> list[str]:
    """What the keys of a configuration are called, newest first; ``key_id_of`` of the template
    makes the same of them. Raises ``OperationError`` where one is malformed."""
    return [_id_of(key) for key in read_keys(config)]


def _id_of(key: str) -> str:
    try:
        raw = base64.b64decode(key, altchars=b"-_", validate=True)
    except ValueError:
        raise OperationError(f"One of the {KEYS_SECRET} in instance.yaml is no key.") from None
    return hashlib.sha256(b"mybizz field encryption key\0" + raw).hexdigest()[:8]


def with_new_key(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with one more key, that encrypts from then on. The key for finding is made
    where it is missing, and else never changed."""
    return _with_secrets(
        config,
        {
            SEARCH_SECRET: _secrets_of(config).get(SEARCH_SECRET) or make_key(),
            KEYS_SECRET: ",".join([make_key(), *read_keys(config)]),
        },
    )


def with_newest_key_only(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration without its older keys."""
    return _with_secrets(config, {KEYS_SECRET: read_keys(config)[0]})


def _secrets_of(config: dict[str, Any]) -> dict[str, Any]:
    found = config.get("secret") or {}
    if not isinstance(found, dict):
        raise OperationError("`secret` in instance.yaml should be a map of names to values.")
    return found


def _with_secrets(config: dict[str, Any], changed: dict[str, str]) -> dict[str, Any]:
    return {**config, "secret": {**_secrets_of(config), **changed}}
