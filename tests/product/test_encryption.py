"""Encrypted fields: what is kept, what is told where a key is wrong, and how they are found."""

from __future__ import annotations

import ast
import base64
import re

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from master_template.server_shared import encryption
from master_template.server_shared.encryption import EncryptionError, decrypt, encrypt, search_hash
from master_template.server_shared.errors import InvalidError
from tests.product.studio import (
    FIELD_KEYS,
    ROOT,
    SECRETS,
    Refused,
    Studio,
)
from tests.product.vault import (
    VAULT_SERVICE,
    fill,
    give_keys,
    key_id,
    move_all,
    read_all,
    tokens,
)

ONE, TWO, THREE = FIELD_KEYS


@pytest.fixture(autouse=True)
def emptied(request: pytest.FixtureRequest) -> None:
    """Each test of the served vault begins with no fields and the first key."""
    if "vault" in request.fixturenames:
        studio: Studio = request.getfixturevalue("vault")
        studio.query("DELETE FROM app.vault")
        give_keys(studio, ONE)


# On the real server.


def test_the_database_holds_only_tokens(vault: Studio) -> None:
    with vault.uplink() as script:
        for name in ("first", "second"):
            script.call("put_value", name, "tok_4242 über")
        assert script.call("read_value", "first")["value"] == "tok_4242 über"
    held = tokens(vault)
    assert held["first"] != held["second"]
    for token in held.values():
        assert token.startswith(f"e1.{key_id(ONE)}.") and "4242" not in token


def test_a_new_key_encrypts_and_the_old_one_still_reads(vault: Studio) -> None:
    fill(vault, 2)
    give_keys(vault, TWO, ONE)
    with vault.uplink() as script:
        script.call("put_value", "new", "of the new key")
    assert read_all(vault) == {"v0": "value 0", "v1": "value 1", "new": "of the new key"}
    assert tokens(vault)["new"].startswith(f"e1.{key_id(TWO)}.")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("e1.{id}.AAAA", "encrypted_value_damaged"),
        ("plain text that was never encrypted", "encrypted_value_damaged"),
        ("e1.00000000.gAAAAABm", "encryption_key_unknown"),
    ],
)
def test_what_cannot_be_read_is_told_and_left_as_it_is(vault: Studio, text: str, code: str) -> None:
    fill(vault, 3)
    token = text.format(id=key_id(ONE))
    vault.query("UPDATE app.vault SET value_encrypted = %s WHERE name = 'v1'", token)
    give_keys(vault, TWO, ONE)
    with vault.uplink() as script:
        with pytest.raises(Refused, match=code):
            script.call("read_value", "v1")
        answer = script.call("reencrypt_fields")
        assert (answer["moved"], answer["left"]) == (2, 1)
        (place,) = answer["unreadable"]
        assert (place["column"], place["code"]) == ("vault.value_encrypted", code)
        assert move_all(script) == 1
    assert tokens(vault)["v1"] == token


def test_without_its_key_a_field_is_refused_and_comes_back_with_it(vault: Studio) -> None:
    fill(vault, 1)
    give_keys(vault, TWO)
    with vault.uplink() as script, pytest.raises(Refused, match="encryption_key_unknown"):
        script.call("read_value", "v0")
    give_keys(vault, TWO, ONE)
    assert read_all(vault) == {"v0": "value 0"}


@pytest.mark.parametrize("wrong", ["", "hunter2hunter2", ONE[:-4], f"{ONE},hunter2"])
def test_a_wrong_key_is_told_to_both_without_showing_it(vault: Studio, wrong: str) -> None:
    fill(vault, 1)
    seen = len(vault.server.log)
    give_keys(vault, wrong)
    with vault.uplink() as script:
        with pytest.raises(Refused, match="encryption_not_set_up") as refusal:
            script.call("put_value", "x", "4242 4242")
        assert "operator" in refusal.value.answer["error"]
    log = "".join(vault.server.log[seen:])
    assert "field_encryption_keys" in log
    for secret in ("hunter2", "4242", ONE[:20], "Traceback"):
        assert secret not in log


def test_every_encrypted_column_of_the_schema_is_moved(vault: Studio) -> None:
    fill(vault, 1)
    held = vault.query(
        "SELECT table_name || '.' || column_name FROM information_schema.columns "
        "WHERE table_schema = 'app' AND column_name LIKE '%%\\_encrypted' ORDER BY 1"
    )
    with vault.uplink() as script:
        walked = [each["column"] for each in script.call("get_encryption_status")["columns"]]
    assert walked == [column for (column,) in held]
    assert "vault.value_encrypted" in walked


# The rules, without a server.


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The secrets that the code finds; a test may change them."""
    secrets = dict(SECRETS)
    monkeypatch.setattr(encryption.anvil.secrets, "get_secret", secrets.__getitem__)
    monkeypatch.setattr(encryption, "_cached", None)
    monkeypatch.setattr(encryption, "default_country", lambda: "ZA")
    return secrets


@pytest.mark.usefixtures("keys")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    token = encrypt(text)
    assert decrypt(token) == text
    assert re.fullmatch(r"e1\.[0-9a-f]{8}\.[A-Za-z0-9_=-]+", token)


@pytest.mark.usefixtures("keys")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_change_of_a_token_is_noticed(data: st.DataObject) -> None:
    token = encrypt("tok_4242")
    place = data.draw(st.integers(0, len(token) - 1))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text(max_size=3))
    changed = token[:place] + put + token[place + cut :]
    if changed == token:
        return
    with pytest.raises(EncryptionError) as refusal:
        decrypt(changed)
    assert refusal.value.code in ("encrypted_value_damaged", "encryption_key_unknown")
    assert "4242" not in str(refusal.value) and token[-20:] not in str(refusal.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_every_key_of_the_ring_reads_and_the_first_writes(
    keys: dict[str, str], data: st.DataObject
) -> None:
    """However keys are added and taken away: what was written by one that is there is read."""
    texts = st.binary(min_size=32, max_size=32).map(lambda raw: base64.urlsafe_b64encode(raw))
    every = data.draw(st.lists(texts.map(bytes.decode), min_size=2, max_size=5, unique=True))
    written = {}
    for key in every:
        keys["field_encryption_keys"] = key
        written[key] = encrypt("kept")
    present = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    keys["field_encryption_keys"] = " , ".join(present)
    assert encrypt("new").startswith(f"e1.{key_id(present[0])}.")
    for key, token in written.items():
        if key in present:
            assert decrypt(token) == "kept"
        else:
            with pytest.raises(EncryptionError, match="no longer has"):
                decrypt(token)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("text", ["\ud800", "x" * 65_537, "ü" * 40_000])
def test_a_text_that_no_field_holds_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        encrypt(text)


@pytest.mark.parametrize(
    ("kind", "ways"),
    [
        ("email", ["Ana@Example.com", " ana@example.com ", "ANA@EXAMPLE.COM"]),
        ("phone", ["082 555 0101", "+27825550101", "+27 (82) 555-0101", "0027 82 555 0101"]),
    ],
)
def test_a_value_is_found_however_it_is_written(
    keys: dict[str, str], kind: str, ways: list[str]
) -> None:
    (found,) = {search_hash(kind, way) for way in ways}
    assert re.fullmatch(r"h1\.[0-9a-f]{64}", found)
    # A new key for fields changes nothing; another one for hashes does.
    keys["field_encryption_keys"] = f"{TWO},{ONE}"
    assert search_hash(kind, ways[0]) == found
    keys["search_hash_key"] = THREE
    assert search_hash(kind, ways[0]) != found


@pytest.mark.usefixtures("keys")
def test_hashes_tell_values_and_kinds_apart() -> None:
    assert search_hash("email", "a@example.com") != search_hash("email", "b@example.com")
    for kind, text in (("email", "082 555 0101"), ("phone", "a@example.com"), ("email", "")):
        with pytest.raises(InvalidError):
            search_hash(kind, text)
    with pytest.raises(ValueError, match="not of 'name'"):
        search_hash("name", "Ana")


@pytest.mark.parametrize("wrong", ["", "c2hvcnQ=", "not base64!", "ü"])
def test_a_wrong_key_for_hashes_is_refused(
    keys: dict[str, str], wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys["search_hash_key"] = wrong
    with pytest.raises(EncryptionError, match="not set up"):
        search_hash("email", "a@example.com")
    assert "search_hash_key" in caplog.text
    assert "example.com" not in caplog.text and (not wrong or wrong not in caplog.text)


def test_a_key_ring_shows_no_key(keys: dict[str, str]) -> None:
    assert ONE not in repr(encryption.read_keys()) + str(vars(encryption)["_cached"])


# The declaration of columns.


def test_encrypted_columns_are_texts_that_no_index_holds() -> None:
    schema = yaml.safe_load((ROOT / "master_template" / "anvil.yaml").read_text())["db_schema"]
    for table in schema.values():
        indexed = {name for index in table.get("indexes", []) for name in index["columns"]}
        for column in table["columns"]:
            if column["name"].endswith("_encrypted"):
                assert column["type"] == "string"
                assert column["name"] not in indexed


def stray_tokens(source: str) -> list[int]:
    """Lines that encrypt something for another place than a field ``..._encrypted``."""
    tree = ast.parse(source)
    fine: set[ast.AST] = set()
    for node in ast.walk(tree):
        pairs: list[tuple[str, ast.AST]] = []
        if isinstance(node, ast.Dict):
            pairs = [
                (key.value, value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            ]
        elif isinstance(node, ast.keyword) and node.arg:
            pairs = [(node.arg, node.value)]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            pairs = [(ast.unparse(node.targets[0].slice).strip("'"), node.value)]
        for name, value in pairs:
            if name.endswith("_encrypted"):
                fine.update(ast.walk(value))
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("encrypt", "encryption.encrypt")
        and node not in fine
    ]


def test_nothing_is_encrypted_into_a_column_that_is_not_moved() -> None:
    assert stray_tokens(VAULT_SERVICE) == []
    assert stray_tokens("row['token'] = encrypt(x)\nsave(token=encryption.encrypt(x))") == [1, 2]
    assert stray_tokens("save(token_encrypted=encrypt(x) if x else None)") == []
    for file in sorted((ROOT / "master_template" / "server_code").rglob("*.py")):
        assert stray_tokens(file.read_text()) == [], file
