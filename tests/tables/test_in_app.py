"""Tables in a running server: code in a worker process, and what reaches a browser."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app_server.running import CallFailed, RunningServer, serve_app

ANVIL_YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
services:
  - {source: /runtime/services/tables.yml, client_config: {enable_v2: true}}
db_schema:
  contacts:
    title: Contacts
    client: none
    server: full
    columns:
      - {name: email, type: string}
      - {name: spent, type: number}
      - {name: note, type: string, client_hidden: true}
      - {name: owner, type: link_single, target: contacts}
    indexes: [{type: trigram, columns: [email]}]
  counters:
    title: Counters
    client: none
    server: full
    columns: [{name: value, type: number}]
"""

CODE = """
import time

import anvil.server
import anvil.tables as tables
import anvil.tables.query as q
from anvil.tables import app_tables


@anvil.server.callable
def add(**values):
    return app_tables.contacts.add_row(**values)


@anvil.server.callable
def find(pattern):
    return [row["email"] for row in app_tables.contacts.search(email=q.ilike(pattern))]


@anvil.server.callable
def reset_counter():
    app_tables.counters.delete_all_rows()
    app_tables.counters.add_row(value=0)


@anvil.server.callable
@tables.in_transaction
def increment():
    row = app_tables.counters.get()
    row["value"] += 1


def add_one():
    # Leaves the others time between reading and writing.
    row = app_tables.counters.get()
    value = row["value"]
    time.sleep(0.01)
    row["value"] = value + 1


anvil.server.callable("increment_slowly")(tables.in_transaction(add_one))
anvil.server.callable("increment_slowly_relaxed")(tables.in_transaction(relaxed=True)(add_one))
anvil.server.callable("increment_without_care")(add_one)


@anvil.server.callable
def count():
    return app_tables.counters.get()["value"]


@anvil.server.callable
def leave_open():
    tables.Transaction().__enter__()
    app_tables.counters.add_row(value=99)


@anvil.server.callable
def how_many():
    return len(app_tables.counters.search())
"""

RULES = """
contacts:
  unique:
    - {columns: ["lower(email)"], message: Another contact has this e-mail address.}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, studio_url: str) -> Iterator[RunningServer]:
    files: dict[str, str | bytes] = {"server_code/main.py": CODE, "constraints.yaml": RULES}
    folder = tmp_path_factory.mktemp("app")
    with serve_app(Path(folder), files, database_url=studio_url, anvil_yaml=ANVIL_YAML) as running:
        yield running


def capability_of(message: dict[str, Any]) -> dict[str, Any]:
    """The row's capability in a browser's answer, as it would send it back."""
    [entry] = [
        o for o in message["objects"] if o["type"] == ["Capability"] and o["path"][0] == "response"
    ]
    return {
        "type": ["Capability"],
        "path": ["args", 0],
        "scope": entry["scope"],
        "mac": entry["mac"],
    }


def test_rows_go_from_server_code_to_a_browser_and_back(server: RunningServer) -> None:
    with server.browser() as browser:
        browser.call("add", email="Olga@example.com", spent=5, note="hush")
        message = browser.last
        assert "hush" not in str(message)
        cap = capability_of(message)
        fetch = "anvil.private.tables.v2.row.fetch"
        answer = str(browser.send_call({"command": fetch}, [None, None], objects=[cap]))
        assert "Olga@example.com" in answer
        assert "hush" not in answer
        assert browser.call("find", "%OLGA%") == ["Olga@example.com"]


def test_a_browser_cannot_reach_a_closed_table(server: RunningServer) -> None:
    with server.browser() as browser:
        tables = browser.call("anvil.private.tables.v2.get_app_tables")
        assert [arguments[0] for arguments in tables.values()] == [None, None]
        assert not [o for o in browser.last["objects"] if o["type"] == ["Capability"]]
        with pytest.raises(CallFailed, match="Cannot access this table from client code"):
            browser.call("anvil.private.tables.v2.table.search", None, [], {})


def test_a_broken_rule_reaches_the_browser_as_its_message(server: RunningServer) -> None:
    with server.browser() as browser:
        browser.call("add", email="sam@example.com")
        with pytest.raises(CallFailed) as raised:
            browser.call("add", email="SAM@example.com")
    assert raised.value.type == "anvil.tables.TableError"
    assert raised.value.message == "Another contact has this e-mail address."


def count_to_forty(server: RunningServer, function: str) -> int:
    """What the counter says when eight clients have each called ``function`` five times. None of
    the calls fails."""

    def work() -> None:
        with server.browser() as browser:
            for _ in range(5):
                browser.call(function)

    with server.browser() as browser:
        browser.call("reset_counter")
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            for done in [threads.submit(work) for _ in range(8)]:
                done.result(60)
        counted = browser.call("count")
        assert isinstance(counted, int)
        return counted


@pytest.mark.parametrize("function", ["increment", "increment_slowly", "increment_slowly_relaxed"])
def test_concurrent_transactions_lose_nothing(server: RunningServer, function: str) -> None:
    """On Anvil's own server, with its default pool, 37 of these 40 calls fail."""
    assert count_to_forty(server, function) == 40


def test_without_a_transaction_the_same_clients_lose_something(server: RunningServer) -> None:
    """The negative control: what the test above would see if transactions did nothing."""
    assert count_to_forty(server, "increment_without_care") < 40


def test_a_transaction_left_open_ends_with_its_call(server: RunningServer) -> None:
    with server.browser() as browser:
        browser.call("reset_counter")
        browser.call("leave_open")
        assert browser.call("how_many") == 1
