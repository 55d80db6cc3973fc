"""Secrets, bcrypt and outgoing HTTP as server code calls them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app_server.errors import AnvilError
from app_server.native import bcrypt as native_bcrypt
from app_server.native import http as native_http
from app_server.native import secrets as native_secrets
from app_server.native.registry import NativeCall
from app_server.request import Origin
from app_server.wire.values import Media
from tests.services.doubles import LocalSite, make_app, make_instance

KEY = base64.b64encode(bytes(range(16))).decode()


def make_call(folder: Path, origin: Origin = Origin.SERVER, **config: Any) -> NativeCall:
    instance: Any = make_instance(folder, make_app({}), **config)
    return NativeCall(
        instance=instance,
        session=SimpleNamespace(),  # type: ignore[arg-type]
        stack=SimpleNamespace(),  # type: ignore[arg-type]
        is_client=origin is Origin.CLIENT,
        vt_global={},
        result_vt_global={},
        cap_updates={},
        request=SimpleNamespace(origin=origin),  # type: ignore[arg-type]
    )


# ---- secrets


async def test_server_code_reads_a_secret(tmp_path: Path) -> None:
    call = make_call(tmp_path, secrets={"stripe": "sk_test"})
    assert await native_secrets.get_secret(call, "stripe") == "sk_test"
    with pytest.raises(AnvilError, match="No such secret 'other'") as caught:
        await native_secrets.get_secret(call, "other")
    assert caught.value.type_name == "anvil.secrets.SecretError"


@pytest.mark.parametrize("origin", [Origin.CLIENT, Origin.UPLINK])
async def test_nobody_else_gets_at_secrets(tmp_path: Path, origin: Origin) -> None:
    call = make_call(tmp_path, origin, secrets={"a": "b"}, encryption_keys={"k": KEY})
    for attempt in (
        native_secrets.get_secret(call, "a"),
        native_secrets.encrypt_with_key(call, "k", "x"),
        native_secrets.decrypt_with_key(call, "k", "x"),
    ):
        with pytest.raises(AnvilError) as caught:
            await attempt
        assert caught.value.type_name == "anvil.secrets.SecretError"


async def test_encrypted_values_have_the_form_of_anvils_server(tmp_path: Path) -> None:
    call = make_call(tmp_path, encryption_keys={"k": KEY})
    sealed = base64.b64decode(await native_secrets.encrypt_with_key(call, "k", "Grüße"))
    assert AESGCM(bytes(range(16))).decrypt(sealed[:12], sealed[12:], None).decode() == "Grüße"
    nonce = b"n" * 12
    theirs = nonce + AESGCM(bytes(range(16))).encrypt(nonce, b"hello", None)
    text = base64.b64encode(theirs).decode()
    assert await native_secrets.decrypt_with_key(call, "k", text) == "hello"


async def test_longer_keys_count_by_their_first_16_bytes(tmp_path: Path) -> None:
    longer = base64.b64encode(bytes(range(32))).decode()
    call = make_call(tmp_path, encryption_keys={"k": KEY, "longer": longer})
    sealed = await native_secrets.encrypt_with_key(call, "k", "x")
    assert await native_secrets.decrypt_with_key(call, "longer", sealed) == "x"


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", None, base64.b64encode(b"x" * 40)])
async def test_refuses_what_was_tampered_with(tmp_path: Path, text: Any) -> None:
    call = make_call(tmp_path, encryption_keys={"k": KEY})
    with pytest.raises(AnvilError, match="not a valid encrypted value"):
        await native_secrets.decrypt_with_key(call, "k", text)


@pytest.mark.parametrize("key", ["short", "AAAA", "!!"])
async def test_says_which_key_is_no_key(tmp_path: Path, key: str) -> None:
    call = make_call(tmp_path, encryption_keys={"mine": key})
    with pytest.raises(AnvilError, match="'mine' has to be base64"):
        await native_secrets.encrypt_with_key(call, "mine", "x")


# ---- bcrypt


async def test_bcrypt_hashes_check_themselves(tmp_path: Path) -> None:
    call = make_call(tmp_path)
    salt = await native_bcrypt.generate_salt(call, 4)
    assert salt.startswith("$2a$04$")
    hashed = await native_bcrypt.hash_password(call, "secret", salt)
    assert await native_bcrypt.hash_password(call, "secret", hashed) == hashed
    assert await native_bcrypt.hash_password(call, "Secret", hashed) != hashed


@pytest.mark.parametrize("salt", ["", "nonsense", "$2a$99$" + "a" * 22, "$2a$17$" + "a" * 22, None])
async def test_bcrypt_refuses_bad_salts(tmp_path: Path, salt: Any) -> None:
    with pytest.raises(AnvilError, match="Could not hash"):
        await native_bcrypt.hash_password(make_call(tmp_path), "secret", salt)


async def test_browsers_may_not_make_the_server_work_hard(tmp_path: Path) -> None:
    with pytest.raises(AnvilError, match="more than 10 rounds"):
        await native_bcrypt.hash_password(
            make_call(tmp_path, Origin.CLIENT), "secret", "$2a$12$" + "a" * 22
        )
    with pytest.raises(AnvilError, match="4 to 16 rounds"):
        await native_bcrypt.generate_salt(make_call(tmp_path), 31)


# ---- http


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalSite]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    site = LocalSite()
    await site.start()
    yield site
    await site.stop()


async def test_a_request_carries_what_was_given(tmp_path: Path, site: LocalSite) -> None:
    site.answers.append((201, {"Content-Type": "text/plain", "X-Answer": "Yes"}, b"made"))
    answer = await native_http.request(
        make_call(tmp_path),
        url=f"{site.url}/things",
        method="post",
        data='{"a": 1}',
        headers={"Content-Type": "application/json"},
        username="olga",
        password="pw",
    )
    assert (answer["status"], answer["headers"]["x-answer"]) == (201, "Yes")
    assert answer["content"] == Media("text/plain", b"made")
    [(line, headers, body)] = site.requests
    assert line == "POST /things HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "Basic " + base64.b64encode(b"olga:pw").decode()
    assert body == b'{"a": 1}'


@pytest.mark.parametrize(
    ("data", "headers", "body", "content_type"),
    [
        ({"a": "x y", "b": 2}, {}, b"a=x+y&b=2", "application/x-www-form-urlencoded"),
        ({"a": 1}, {"content-type": "application/json"}, b'{"a":1}', "application/json"),
        (Media("image/png", b"\x89PNG"), {}, b"\x89PNG", "image/png"),
    ],
)
async def test_bodies(
    tmp_path: Path,
    site: LocalSite,
    data: Any,
    headers: dict[str, str],
    body: bytes,
    content_type: str,
) -> None:
    await native_http.request(
        make_call(tmp_path), url=site.url, method="PUT", data=data, headers=headers
    )
    [(_, sent, given)] = site.requests
    assert (given, sent["content-type"]) == (body, content_type)


async def test_a_get_sends_its_data_as_query(tmp_path: Path, site: LocalSite) -> None:
    await native_http.request(make_call(tmp_path), url=f"{site.url}/find", data="q=a%20b")
    await native_http.request(make_call(tmp_path), url=f"{site.url}/find?x=1", data="q=a")
    assert [line for line, _, _ in site.requests] == [
        "GET /find?q=a%20b HTTP/1.1",
        "GET /find?x=1 HTTP/1.1",
    ]


async def test_no_answer_is_an_error_that_names_the_host_only(
    tmp_path: Path, site: LocalSite
) -> None:
    site.is_silent = True
    with pytest.raises(AnvilError, match=r"127.0.0.1 within 0.1 seconds") as caught:
        await native_http.request(make_call(tmp_path), url=f"{site.url}/?key=hush", timeout=100)
    assert caught.value.type_name == "anvil.http.HttpRequestFailed"
    await site.stop()
    with pytest.raises(AnvilError, match="127.0.0.1 failed") as caught:
        await native_http.request(make_call(tmp_path), url=f"{site.url}/?key=hush")
    assert "hush" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://x", "http://", "http://[::1", "http://a b/"]
)
async def test_refuses_what_is_no_address(tmp_path: Path, url: str) -> None:
    with pytest.raises(AnvilError) as caught:
        await native_http.request(make_call(tmp_path), url=url)
    assert caught.value.type_name == "anvil.http.HttpRequestFailed"


async def test_browsers_make_no_requests_through_the_server(tmp_path: Path) -> None:
    with pytest.raises(AnvilError) as caught:
        await native_http.request(make_call(tmp_path, Origin.CLIENT), url="http://127.0.0.1")
    assert caught.value.type_name == "anvil.server.PermissionDenied"


async def test_url_encoding(tmp_path: Path) -> None:
    call = make_call(tmp_path, Origin.CLIENT)
    assert await native_http.url_encode(call, "a b/ü~&+") == "a%20b%2F%C3%BC~%26%2B"
    assert await native_http.url_decode(call, "a%20b+%C3%BC 100%") == "a b+ü 100%"
    for bad in ("%FF%FE", None, 3):
        with pytest.raises(AnvilError) as caught:
            await native_http.url_decode(call, bad)  # type: ignore[arg-type]
        assert caught.value.type_name == "anvil.http.UrlEncodingError"
