"""Password hashes and the rules for passwords."""

from __future__ import annotations

import re

import bcrypt
import pytest

from app_server.errors import AnvilError
from app_server.users import passwords
from app_server.users.passwords import check_acceptable, hash_password, is_password_right


async def test_hashes_are_those_of_anvils_server() -> None:
    made = await hash_password("correct horse")
    assert re.fullmatch(r"\$2a\$10\$[./A-Za-z0-9]{53}", made)
    assert await is_password_right("correct horse", made)
    assert not await is_password_right("correct horsf", made)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2x$", "$2y$"])
async def test_reads_every_name_of_the_hash(prefix: str) -> None:
    made = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    assert await is_password_right("secret", prefix + made[4:])


async def test_only_the_first_72_bytes_count_as_on_anvils_server() -> None:
    long = "ä" * 50
    made = await hash_password(long)
    assert await is_password_right(long, made)
    assert await is_password_right("ä" * 36, made)


@pytest.mark.parametrize("stored", [None, "", "nonsense", 42, "$2a$10$short"])
@pytest.mark.parametrize("given", ["", "secret", None, 42])
async def test_no_hash_never_matches(stored: object, given: object) -> None:
    assert not await is_password_right(given, stored)


async def test_an_unknown_user_costs_as_much_work_as_a_wrong_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = await hash_password("correct horse")
    await is_password_right("x", None)
    rounds: list[str] = []
    real = bcrypt.checkpw

    def spy(password: bytes, hashed: bytes) -> bool:
        answer = real(password, hashed)
        rounds.append(hashed[:7].decode())
        return answer

    monkeypatch.setattr(passwords.bcrypt, "checkpw", spy)
    for stored in (made, None, ""):
        await is_password_right("wrong", stored)
    assert rounds == ["$2a$10$"] * 3


@pytest.mark.parametrize(
    "password",
    [
        "short7!",
        "password",
        "password1",
        "12345678",
        "qwertyuiop",
        "aaaaaaaaaaaa",
        "letmein123",
        "olga.fischer",
    ],
)
async def test_refuses_what_is_easy_to_guess(password: str) -> None:
    with pytest.raises(AnvilError) as caught:
        await check_acceptable(password, is_strict=True, email="olga.fischer@example.com")
    assert caught.value.type_name == "anvil.users.PasswordNotAcceptable"
    assert await check_acceptable(password, is_strict=False) == password


@pytest.mark.parametrize(
    "password", ["correct horse battery", "xK9#mQ2v", "ünïcode wörds here", "K9#mQ2vT!" * 50]
)
async def test_accepts_what_is_hard_to_guess(password: str) -> None:
    assert await check_acceptable(password, is_strict=True, email="o@example.com") == password


@pytest.mark.parametrize("password", [None, "", 12345678, "with\0nul", "x" * 1001])
async def test_refuses_what_is_no_password_at_all(password: object) -> None:
    with pytest.raises(AnvilError) as caught:
        await check_acceptable(password, is_strict=False)
    assert caught.value.type_name == "anvil.users.PasswordNotAcceptable"
