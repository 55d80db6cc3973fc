"""``anvil.secrets``: values that only the app's server code may have, and keys to encrypt with.

An encrypted text is base64 of a 12-byte nonce followed by AES-GCM's output, with the first 16 bytes
of the decoded ``encryption-key``: the format of Anvil's server, so that either reads what the other
wrote. Source: anvil.runtime.secrets and anvil.app-server.secrets.
"""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app_server.errors import AnvilError
from app_server.native.registry import NativeCall, native
from app_server.request import Origin

KEY_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16


def secret_error(message: str) -> AnvilError:
    return AnvilError(message, "anvil.secrets.SecretError")


def _require_app_code(call: NativeCall) -> None:
    if call.is_client:
        raise secret_error("Client code cannot access app secrets.")
    if call.request.origin is Origin.UPLINK:
        raise secret_error("Uplink code cannot access secrets for this app.")


@native("anvil.private.secrets.get_secret")
async def get_secret(call: NativeCall, name: str) -> str:
    """The value of the option ``secret``. SecretError when there is none."""
    _require_app_code(call)
    value = call.instance.config.secrets.get(name)
    if value is None:
        raise secret_error(f"No such secret '{name}'. Give it to the server as `secret: {name}=…`.")
    return value


@native("anvil.private.secrets.encrypt_with_key")
async def encrypt_with_key(call: NativeCall, key_name: str, value: str) -> str:
    """The text, encrypted with the option ``encryption-key`` of this name."""
    _require_app_code(call)
    if not isinstance(value, str):
        raise secret_error("Only a string can be encrypted.")
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher(call, key_name).encrypt(nonce, value.encode(), None)
    return base64.b64encode(nonce + sealed).decode()


@native("anvil.private.secrets.decrypt_with_key")
async def decrypt_with_key(call: NativeCall, key_name: str, value: str) -> str:
    """The text that was encrypted. SecretError when it was not, or was changed."""
    _require_app_code(call)
    cipher = _cipher(call, key_name)
    try:
        sealed = base64.b64decode(value, validate=True)
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise InvalidTag
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
    except (binascii.Error, TypeError, ValueError, InvalidTag) as error:
        raise secret_error(
            "This is not a valid encrypted value. It may have been tampered with."
        ) from error


def _cipher(call: NativeCall, key_name: str) -> AESGCM:
    text = call.instance.config.encryption_keys.get(key_name)
    if text is None:
        raise secret_error(
            f"No such encryption key '{key_name}'. "
            f"Give it to the server as `encryption-key: {key_name}=…`."
        )
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) < KEY_BYTES:
        raise secret_error(
            f"The encryption key '{key_name}' has to be base64 of at least {KEY_BYTES} bytes."
        )
    return AESGCM(key[:KEY_BYTES])
