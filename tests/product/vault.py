"""An instance with a table of encrypted fields, since no table of the product has any yet."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from master_template.server_shared import encryption
from tests.product.studio import (
    FIELD_KEYS,
    SECRETS,
    Caller,
    Studio,
    copy_template,
    open_studio,
)

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


def give_keys(studio: Studio, *keys: str) -> None:
    """Change the instance's keys as an operator does, and wait until the server has them."""
    given = {**SECRETS, "field_encryption_keys": ",".join(keys)}
    config = yaml.safe_load(studio.config_file.read_text())
    studio.config_file.write_text(yaml.safe_dump({**config, "secret": given}))
    studio.reload()
    # Malformed keys have no ids.
    expected = [key_id(key) for key in keys] if set(keys) <= set(FIELD_KEYS) else None
    with studio.uplink() as script:
        for _ in range(2000):
            answer = script.answer("get_encryption_status")
            if answer.get("keys") == expected:
                return
    raise AssertionError(f"the server still has {answer}")


def key_id(key: str) -> str:
    return encryption.key_id_of(base64.urlsafe_b64decode(key))


def fill(studio: Studio, count: int) -> None:
    """Fields ``v0`` ... with the first key."""
    with studio.uplink() as script:
        for number in range(count):
            script.call("put_value", f"v{number}", f"value {number}")


def tokens(studio: Studio) -> dict[str, str]:
    return dict(studio.query("SELECT name, value_encrypted FROM app.vault"))  # type: ignore[arg-type]


def keys_in_use(studio: Studio) -> set[str]:
    return {token.split(".")[1] for token in tokens(studio).values()}


def move_all(script: Caller) -> int:
    """Call until nothing is moved any more; how many fields are left then."""
    while (answer := script.call("reencrypt_fields"))["moved"]:
        pass
    return int(answer["left"])


def read_all(studio: Studio) -> dict[str, str]:
    with studio.uplink() as script:
        return {name: script.call("read_value", name)["value"] for name in tokens(studio)}
