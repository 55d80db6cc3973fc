"""The audit log: no change without an entry, and no entry that can be changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.product.conftest import fresh_database
from tests.product.studio import Refused, Studio, copy_template, open_studio
from tests.product.walking import everything_stored

# Callables as somebody could write them who has not understood audit=.
PROBE = """
from anvil.tables import app_tables

from ..server_shared import audit
from ..server_shared.audit import Reads, add_details
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.errors import ConflictError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Text

NAME = Text("Name", required=True)


def change(needs_entry=True, **options):
    takes = {"name": NAME}
    return server_callable(needs=TRUSTED_ONLY, takes=takes, audit="tag.create", **options)


@change()
def audited(name):
    add_tag(name)
    audit.record("create", "tag", name, {"name": [None, name]})


@change()
def forgotten(name):
    add_tag(name)


@change()
def empty_entry(name):
    add_tag(name)
    audit.record("create", "tag", name)


@change()
def another_entry(name):
    add_tag(name)
    audit.record("delete", "tag", name, {"name": [name, None]})


@change()
def entry_and_refusal(name):
    add_tag(name)
    audit.record("create", "tag", name, {"name": [None, name]})
    raise ConflictError("On second thoughts, no.")


@change()
def nothing_to_do(name):
    audit.unchanged()


@change(atomic=False)
def forgotten_in_its_own_transactions(name):
    add_tag(name)


@change()
def count_up(name):
    counter = app_tables.sequences.get(name="contacts")
    counter["value"] += 1
    add_tag(f"{name}{int(counter['value'])}")
    audit.record("create", "tag", name, {"count": [counter["value"] - 1, counter["value"]]})


@in_transaction
def add_tag(name):
    app_tables.contact_tags.add_row(name=name)


@server_callable(
    needs=TRUSTED_ONLY,
    takes={"name": NAME, "secret": Text("Secret")},
    audit=Reads("tag.export", of="name", noting=("secret",)),
)
def read_tags(name, secret=None):
    if name == "nothing":
        raise ConflictError("There is nothing to read.")
    add_details(rows=3, names=["a"])
    return {"tags": ["a"]}


@change()
def secrets_and_long_texts(name):
    audit.record(
        "create",
        "tag",
        name,
        {
            "password_hash": ["old", "new"],
            "api_key": [None, "k"],
            "token_encrypted": [None, "t"],
            "address": [None, {"city": "Cape Town", "secret_word": "sesame"}],
            "text": [None, "x" * 9000],
        },
    )
"""


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("probed")
    template = copy_template(folder, {})
    package = template / "server_code" / "server_probe"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "probe.py").write_text(PROBE)
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder / "instance", database_url, template=template) as running,
    ):
        yield running


def entries(studio: Studio, resource_id: str) -> list[tuple[Any, ...]]:
    return studio.query(
        "SELECT resource_type || '.' || action, user_email, changes, details FROM app.audit_log "
        "WHERE resource_id = %s ORDER BY _id",
        resource_id,
    )


def tags(studio: Studio) -> set[str]:
    return {name for (name,) in studio.query("SELECT name FROM app.contact_tags")}


def test_a_change_stays_with_its_entry(probed: Studio) -> None:
    with probed.uplink() as script:
        script.call("audited", "good")
    assert "good" in tags(probed)
    assert entries(probed, "good") == [("tag.create", "system", {"name": [None, "good"]}, {})]


@pytest.mark.parametrize("name", ["forgotten", "empty_entry", "another_entry"])
def test_nothing_stays_of_a_change_without_its_entry(probed: Studio, name: str) -> None:
    before = everything_stored(probed)
    with probed.uplink() as script, pytest.raises(Refused, match="internal") as refused:
        script.call(name, "bad")
    assert "audit" not in refused.value.answer["error"].lower()
    assert everything_stored(probed) == before


def test_what_makes_its_own_transactions_is_told_too(probed: Studio) -> None:
    with probed.uplink() as script, pytest.raises(Refused, match="internal"):
        script.call("forgotten_in_its_own_transactions", "stays")
    assert "stays" in tags(probed)  # the control: so the transaction is what takes it back


def test_a_refusal_leaves_neither_change_nor_entry(probed: Studio) -> None:
    before = everything_stored(probed)
    with probed.uplink() as script, pytest.raises(Refused, match="second thoughts"):
        script.call("entry_and_refusal", "refused")
    assert everything_stored(probed) == before


def test_nothing_to_do_needs_no_entry(probed: Studio) -> None:
    before = everything_stored(probed)
    with probed.uplink() as script:
        assert script.call("nothing_to_do", "x")["success"]
    assert everything_stored(probed) == before


def test_people_who_get_in_each_others_way_all_get_through(probed: Studio) -> None:
    """A transaction that is run again leaves one entry, not two."""
    with ExitStack() as stack:
        callers = [stack.enter_context(probed.uplink()) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(
                    lambda caller: [caller.answer("count_up", "race") for _ in range(5)],
                    callers,
                )
            )
    assert all(answer["success"] for each in answers for answer in each)
    counts = sorted(entry[2]["count"] for entry in entries(probed, "race"))
    assert len(counts) == 20
    assert all(before + 1 == after for before, after in counts)
    assert len({after for _, after in counts}) == 20


def test_the_guard_records_a_sensitive_read(probed: Studio) -> None:
    with probed.uplink() as script:
        assert script.call("read_tags", "mine", "open sesame")["tags"] == ["a"]
        with pytest.raises(Refused, match="nothing to read"):
            script.call("read_tags", "nothing")
    details = {"secret": "hidden", "rows": 3, "names": ["a"]}
    assert entries(probed, "mine") == [("tag.export", "system", {}, details)]
    assert entries(probed, "nothing") == []


def test_secrets_and_endless_texts_do_not_get_into_the_log(probed: Studio) -> None:
    with probed.uplink() as script:
        script.call("secrets_and_long_texts", "hush")
    [(_, _, changes, _)] = entries(probed, "hush")
    assert changes["password_hash"] == ["hidden", "hidden"]
    assert changes["api_key"] == changes["token_encrypted"] == [None, "hidden"]
    assert changes["address"] == [None, {"city": "Cape Town", "secret_word": "hidden"}]
    assert len(changes["text"][1]) == 501


@pytest.mark.parametrize("table", ["audit_log", "consents"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE app.{0} SET _id = _id + 1000000",
        "DELETE FROM app.{0}",
        "TRUNCATE app.{0}",
    ],
)
def test_the_database_keeps_both_logs(studio: Studio, table: str, statement: str) -> None:
    [(before,)] = studio.query(f"SELECT count(*) FROM app.{table}")
    assert before > 0
    with pytest.raises(psycopg.errors.IntegrityError, match=f"{table}_append_only"):
        studio.query(statement.format(table))
    assert studio.query(f"SELECT count(*) FROM app.{table}") == [(before,)]


def test_log_ins_are_in_the_log_and_passwords_are_not(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        mia.call("log_out")
    found = empty_studio.query(
        "SELECT action, user_email FROM app.audit_log WHERE resource_id = %s ORDER BY _id",
        "mia@yogastudio.example",
    )
    assert found[-2:] == [
        ("log_in", "mia@yogastudio.example"),
        ("log_out", "mia@yogastudio.example"),
    ]
    everything = json.dumps(empty_studio.query("SELECT t::text FROM app.audit_log t"))
    assert "correct horse" not in everything and "$2" not in everything


def test_entries_are_written_in_one_place() -> None:
    """Where the caller is named, and secrets are left out."""
    root = Path(__file__).resolve().parents[2] / "master_template" / "server_code"
    writers = {file.name for file in root.rglob("*.py") if "audit_log.add_row" in file.read_text()}
    assert writers == {"audit.py"}
