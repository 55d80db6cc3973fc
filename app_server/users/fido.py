"""Security keys, and the ones built into phones and computers, as a second factor (WebAuthn).

A method in the ``mfa`` column is ``{"type": "fido", "id", "serial", "secret", "used"}``: ``secret``
holds the key's id and public key, sealed so that nobody can put another in its place, and ``used``
its counter as last seen. The options and answers of the browser are those of Anvil's
``anvil.users.mfa`` (``webauthn.js``), with base64 for bytes.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import importlib
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app_server.users.errors import authentication_failed
from app_server.users.request import UsersRequest
from app_server.users.sealing import open_sealed, seal

TYPE = "fido"
CHALLENGE_BYTES = 32
ALGORITHMS = (-8, -7, -257)
"""Ed25519, ES256 and RS256, by their numbers in COSE (RFC 9053)."""

ATTESTATION, ASSERTION = "fido_attestation_challenge", "fido_assertion_challenge"
"""Where a session keeps what its key has to sign."""


@dataclass(frozen=True, slots=True)
class SecurityKey:
    """What is known of a key."""

    credential_id: bytes
    public_key: bytes
    count: int


def begin_attestation(request: UsersRequest, email: str) -> dict[str, Any]:
    """What ``navigator.credentials.create`` is to be asked for."""
    return {
        "publicKey": {
            "rp": {"name": str(request.instance.app.name)},
            "user": {"id": _to_text(email.encode()), "name": email, "displayName": email},
            "authenticatorSelection": {
                "requireResidentKey": False,
                "userVerification": "discouraged",
            },
            "challenge": _make_challenge(request, ATTESTATION),
            "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in ALGORITHMS],
        }
    }


async def _load_library() -> Any:
    """It takes half a second to load, and few need it."""
    return await asyncio.to_thread(importlib.import_module, "webauthn")


async def validate_attestation(request: UsersRequest, result: object) -> dict[str, Any]:
    """The method of a new key. AuthenticationFailed where the answer is not one to our question,
    asked on a page of ours."""
    webauthn = await _load_library()
    challenge = _take_challenge(request, ATTESTATION)
    response = _read_response(result, ("attestationObject", "clientDataJSON"))
    origin = _check_origin(request, response["response"]["clientDataJSON"])
    try:
        verified = webauthn.verify_registration_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=str(urlsplit(origin).hostname),
            expected_origin=origin,
        )
    except Exception as error:
        # Whatever a stranger's answer makes the library stumble over, it is not the right one.
        raise authentication_failed("This security key could not be registered.") from error
    method_id = secrets.token_hex(8)
    known = {
        "credential_id": _to_text(verified.credential_id),
        "public_key": _to_text(verified.credential_public_key),
        "count": verified.sign_count,
    }
    sealed = seal(request.instance.keys, TYPE, method_id, json.dumps(known))
    return {"type": TYPE, "id": method_id, "serial": 1, "secret": sealed}


def begin_assertion(request: UsersRequest, methods: list[dict[str, Any]]) -> dict[str, Any]:
    """What ``navigator.credentials.get`` is to be asked for; any of the user's keys will do."""
    keys = [key for method in methods if (key := _open_key(request, method)) is not None]
    return {
        "publicKey": {
            "challenge": _make_challenge(request, ASSERTION),
            "userVerification": "discouraged",
            "allowCredentials": [
                {"type": "public-key", "id": _to_text(key.credential_id)} for key in keys
            ],
        }
    }


async def match_assertion(
    request: UsersRequest, methods: list[dict[str, Any]], result: object
) -> tuple[int, int]:
    """The place, among the user's methods, of the key that signed our question, and its counter.
    AuthenticationFailed where none of them did. A question is asked once."""
    webauthn = await _load_library()
    challenge = _take_challenge(request, ASSERTION)
    response = _read_response(result, ("authenticatorData", "clientDataJSON", "signature"))
    origin = _check_origin(request, response["response"]["clientDataJSON"])
    for position, method in enumerate(methods):
        key = _open_key(request, method)
        if key is None or _to_web_text(key.credential_id) != response["id"]:
            continue
        try:
            verified = webauthn.verify_authentication_response(
                credential=response,
                expected_challenge=challenge,
                expected_rp_id=str(urlsplit(origin).hostname),
                expected_origin=origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.count,
            )
        except Exception as error:
            # As above; also a counter that went back: a copy of the key.
            raise authentication_failed("Two-factor authentication failed") from error
        return position, verified.new_sign_count
    raise authentication_failed("Two-factor authentication failed")


def _make_challenge(request: UsersRequest, name: str) -> str:
    challenge = _to_text(secrets.token_bytes(CHALLENGE_BYTES))
    request.remember(**{name: challenge})
    return challenge


def _take_challenge(request: UsersRequest, name: str) -> bytes:
    challenge = request.state.get(name)
    request.remember(**{name: None})
    if not isinstance(challenge, str):
        raise authentication_failed("Two-factor authentication failed")
    return base64.b64decode(challenge)


def _read_response(result: object, names: tuple[str, ...]) -> dict[str, Any]:
    """An answer of a browser in the form that the library reads."""
    given = result if isinstance(result, dict) else {}
    try:
        parts = {name: _to_web_text(_to_bytes(given[name])) for name in names}
        key_id = _to_web_text(_to_bytes(given["id"]))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise authentication_failed("Two-factor authentication failed") from error
    return {"id": key_id, "rawId": key_id, "type": "public-key", "response": parts}


def _check_origin(request: UsersRequest, client_data: str) -> str:
    """The address of the page that asked the key, if it is one of ours."""
    try:
        told = json.loads(base64.urlsafe_b64decode(client_data + "=="))
        origin = str(told["origin"])
        host = urlsplit(origin).hostname
    except (KeyError, TypeError, ValueError) as error:
        raise authentication_failed("Two-factor authentication failed") from error
    if not host or host != urlsplit(request.instance.origin).hostname:
        raise authentication_failed(f"Invalid app origin: {host}")
    return origin


def is_own_method(request: UsersRequest, method: object) -> bool:
    """Whether it was made here."""
    return _open_key(request, method) is not None


def _open_key(request: UsersRequest, method: object) -> SecurityKey | None:
    text = open_sealed(request.instance.keys, TYPE, method)
    if text is None or not isinstance(method, dict):
        return None
    known = json.loads(text)
    used = method.get("used")
    count = used if isinstance(used, int) else int(known["count"])
    return SecurityKey(_to_bytes(known["credential_id"]), _to_bytes(known["public_key"]), count)


def _to_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _to_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _to_web_text(content: bytes) -> str:
    """base64url without padding (RFC 4648, section 5), as WebAuthn's JSON has it."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
