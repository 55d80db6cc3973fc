"""Encrypted fields: what is kept, what is told where a key is wrong, and changing the key while the
fields are in use.

No table of the product has an encrypted column yet, so most tests serve a copy of the template that
has one more table, ``vault``, and callables to write and read it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from master_template.server_shared import encryption
from tests.product.conftest import fresh_database
from tests.product.studio import (
    FIELD_KEYS,
    SECRETS,
    Studio,
    copy_template,
    open_studio,
)

ONE, TWO, THREE = FIELD_KEYS

VAULT_TABLE = """db_schema:
  vault:
    title: Vault
    client: none
    server: full
    columns:
      - {name: name, type: string}
      - {name: value_encrypted, type: string}
"""
VAULT_SERVICE = '''
from anvil.tables import app_tables, in_transaction

from ..server_shared import encryption
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.validators import Text

NAME, VALUE = Text("Name", required=True), Text("Value", required=True)


@server_callable(needs=TRUSTED_ONLY, takes={"name": NAME, "value": VALUE})
def put_value(name, value):
    """Without a transaction of its own, as most writes are."""
    row = app_tables.vault.get(name=name) or app_tables.vault.add_row(name=name)
    row["value_encrypted"] = encryption.encrypt(value)


@server_callable(needs=TRUSTED_ONLY, takes={"name": NAME})
def read_value(name):
    return {"value": encryption.decrypt(app_tables.vault.get(name=name)["value_encrypted"])}


@server_callable(needs=TRUSTED_ONLY, takes={"kind": NAME, "text": VALUE})
def hash_value(kind, text):
    return {"hash": encryption.search_hash(kind, text)}
'''


@contextmanager
def vault_studio(
    folder: Path, database_url: str, changes: dict[str, list[tuple[str, str]]] | None = None
) -> Iterator[Studio]:
    """The product with the table ``vault``, and with some of its code changed."""
    vault = {"anvil.yaml": [("db_schema:\n", VAULT_TABLE)]}
    template = copy_template(folder, {**vault, **(changes or {})})
    service = template / "server_code" / "server_vault"
    service.mkdir()
    (service / "__init__.py").write_text("")
    (service / "vault_service.py").write_text(VAULT_SERVICE)
    with open_studio(folder / "instance", database_url, template=template) as studio:
        yield studio


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("vault")
    with fresh_database(postgres_url) as url, vault_studio(folder, url) as studio:
        yield studio


@pytest.fixture(autouse=True)
def emptied(request: pytest.FixtureRequest) -> None:
    """Each test of the served vault begins with no fields and the first key."""
    if "vault" in request.fixturenames:
        studio: Studio = request.getfixturevalue("vault")
        studio.query("DELETE FROM app.vault")
        give_keys(studio, ONE)


def give_keys(studio: Studio, *keys: str, **secrets: str) -> None:
    """Change the instance's secrets as an operator does, and wait until the server has them."""
    given = {**SECRETS, "field_encryption_keys": ",".join(keys), **secrets}
    config = yaml.safe_load(studio.config_file.read_text())
    studio.config_file.write_text(yaml.safe_dump({**config, "secret": given}))
    studio.reload()
    expected = [key_id(key) for key in keys]
    with studio.uplink() as script:
        for _ in range(2000):
            answer = script.answer("get_encryption_status")
            if answer.get("keys") == expected or ("keys" not in answer and not well_formed(keys)):
                return
    raise AssertionError(f"the server still has {answer}")


def well_formed(keys: tuple[str, ...]) -> bool:
    return all(key in FIELD_KEYS for key in keys)


def key_id(key: str) -> str:
    return encryption.key_id_of(base64.urlsafe_b64decode(key)) if key in FIELD_KEYS else ""


def fill(studio: Studio, count: int) -> None:
    """Fields ``v0`` ... with the first key."""
    with studio.uplink() as script:
        script.call("put_value", "v0", "value 0")
        for number in range(1, count):
            script.call("put_value", f"v{number}", f"value {number}")


def tokens(studio: Studio) -> dict[str, str]:
    return dict(studio.query("SELECT name, value_encrypted FROM app.vault"))  # type: ignore[arg-type]


def keys_in_use(studio: Studio) -> set[str]:
    return {token.split(".")[1] for token in tokens(studio).values()}


def values(studio: Studio) -> dict[str, str]:
    with studio.uplink() as script:
        return {name: script.call("read_value", name)["value"] for name in tokens(studio)}


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
    assert values(vault) == {"v0": "value 0", "v1": "value 1", "new": "of the new key"}
    assert tokens(vault)["new"].startswith(f"e1.{key_id(TWO)}.")
