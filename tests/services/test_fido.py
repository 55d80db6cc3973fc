"""Security keys, by a key in software that speaks WebAuthn (level 2, sections 6.1 and 6.5)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from app_server.errors import AnvilError
from app_server.users import fido
from app_server.users.login import get_current_user, log_in_with_email
from app_server.users.mfa_setup import begin_fido, begin_fido_login
from app_server.users.signup import sign_up_with_email
from tests.services.studio import PASSWORD, Browser, Studio

CARL = "carl@example.com"
USER_PRESENT, HAS_KEY = 0x01, 0x40


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


class Key:
    """A security key in its owner's browser, on a page at ``origin``."""

    def __init__(self, origin: str):
        self.origin = origin
        self.host = origin.split("//")[1].split(":")[0]
        self.id = secrets.token_bytes(16)
        self.count = 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        challenge = base64.b64decode(options["publicKey"]["challenge"])
        web = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
        told = {"type": f"webauthn.{kind}", "challenge": web, "origin": self.origin}
        return json.dumps(told).encode()

    def _authenticator_data(self, flags: int, rest: bytes = b"") -> bytes:
        self.count += 1
        host = hashlib.sha256(self.host.encode()).digest()
        return host + struct.pack(">BI", flags, self.count) + rest

    def create(self, options: dict[str, Any]) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = self._authenticator_data(USER_PRESENT | HAS_KEY, attested)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            "id": text(self.id),
            "attestationObject": text(attestation),
            "clientDataJSON": text(self._client_data("create", options)),
        }

    def get(self, options: dict[str, Any]) -> dict[str, str]:
        client_data = self._client_data("get", options)
        data = self._authenticator_data(USER_PRESENT)
        signed = data + hashlib.sha256(client_data).digest()
        return {
            "id": text(self.id),
            "authenticatorData": text(data),
            "clientDataJSON": text(client_data),
            "signature": text(self._key.sign(signed, ec.ECDSA(hashes.SHA256()))),
        }


async def sign_up(studio: Studio) -> Key:
    key = Key(studio.instance.origin)
    browser = studio.browser()
    options = await begin_fido(browser.request(), CARL)
    method = await fido.validate_attestation(browser.request(), key.create(options))
    await sign_up_with_email(browser.request(), CARL, PASSWORD, mfa_method=method)
    return key


async def log_in(browser: Browser, result: object) -> Any:
    factor = {"type": "fido", "result": result}
    return await log_in_with_email(browser.request(), CARL, PASSWORD, factor=factor)


async def ask(browser: Browser) -> dict[str, Any]:
    return await begin_fido_login(browser.request(), CARL, PASSWORD)


async def is_refused(browser: Browser, result: object) -> bool:
    with pytest.raises(AnvilError) as caught:
        await log_in(browser, result)
    assert caught.value.type_name == "anvil.users.AuthenticationFailed"
    return await get_current_user(browser.request()) is None


async def test_a_key_logs_in(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True)
    key = await sign_up(studio)
    for _ in range(2):
        browser = studio.browser()
        options = await ask(browser)
        assert [
            base64.b64decode(one["id"]) for one in options["publicKey"]["allowCredentials"]
        ] == [key.id]
        assert (await log_in(browser, key.get(options))).email == CARL
        assert await get_current_user(browser.request()) is not None
    assert studio.users[1]["mfa"][0]["used"] == key.count


async def test_an_answer_is_good_once(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True)
    key = await sign_up(studio)
    browser = studio.browser()
    answer = key.get(await ask(browser))
    await log_in(browser, answer)
    other = studio.browser()
    assert await is_refused(other, answer)  # it was asked nothing
    await ask(other)
    assert await is_refused(other, answer)  # it was asked something else
    fresh = key.get(await ask(other))
    assert await is_refused(other, {**fresh, "signature": text(b"0" * 70)})
    assert await is_refused(other, fresh)  # the question was used up by the wrong answer


async def test_answers_that_are_none(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True, max_password_failures=100)
    key = await sign_up(studio)
    browser = studio.browser()
    stranger = Key(studio.instance.origin)
    stranger.id = key.id
    elsewhere = Key("https://evil.example")
    elsewhere.id, elsewhere._key = key.id, key._key
    copied = Key(studio.instance.origin)
    copied.id, copied._key = key.id, key._key  # its counter is behind
    for other in (stranger, elsewhere, Key(studio.instance.origin)):
        other.count = 10
        assert await is_refused(browser, other.get(await ask(browser)))
    copied.count = -1
    assert await is_refused(browser, copied.get(await ask(browser)))
    good = key.get(await ask(browser))
    for nonsense in (None, [], "x", {}, {**good, "id": 5}, {**good, "clientDataJSON": "e30="}):
        await ask(browser)
        assert await is_refused(browser, nonsense)


async def test_registering_wants_an_answer_to_our_question(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True)
    browser = studio.browser()
    key = Key(studio.instance.origin)
    answer = key.create(await begin_fido(browser.request(), CARL))
    assert await fido.validate_attestation(browser.request(), answer)
    for wrong in (
        answer,
        Key("https://evil.example").create(await begin_fido(browser.request(), CARL)),
        None,
        {},
    ):
        with pytest.raises(AnvilError) as caught:
            await fido.validate_attestation(browser.request(), wrong)
        assert caught.value.type_name == "anvil.users.AuthenticationFailed"


async def test_the_question_wants_the_password(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True, max_password_failures=2)
    await sign_up(studio)
    for _ in range(2):
        with pytest.raises(AnvilError):
            await begin_fido_login(studio.browser().request(), CARL, "wrong")
    with pytest.raises(AnvilError) as caught:
        await ask(studio.browser())
    assert caught.value.type_name == "anvil.users.TooManyPasswordFailures"
