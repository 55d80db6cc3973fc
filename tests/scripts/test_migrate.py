"""``scripts/migrate``: what it shows, what it does, what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from scripts.operations.databases import DatabaseServer, drop_database
from scripts.operations.home import ROOT, Home
from scripts.operations.provision import provision
from scripts.operations.releases import publish

SHOP = """\
package_name: shop
db_schema:
  items: {server: full, columns: [%s]}
"""


def migrate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.commands.migrate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def sql(url: str, query: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


class Shop:
    """An app of one table, and the command for it."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.url = database_url
        (folder / "shop").mkdir()
        (folder / "data").mkdir()

    def wants(self, **columns: str) -> None:
        listed = ", ".join(f"{{name: {n}, type: {t}}}" for n, t in columns.items())
        (self.folder / "shop" / "anvil.yaml").write_text(SHOP % listed)

    def migrate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        given = ["--app", self.folder / "shop", "--data-dir", self.folder / "data"]
        return migrate(*given, "--database", self.url, *arguments)


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Shop:
    found = Shop(tmp_path, database_url)
    found.wants(price="string", name="string")
    assert found.migrate().returncode == 0
    sql(database_url, "INSERT INTO app.items (price, name) VALUES ('5', 'tea'), ('free', 'water')")
    return found


def test_shows_the_plan_in_words_and_changes_nothing(shop: Shop) -> None:
    shop.wants(price="number", stock="number")
    result = shop.migrate("--plan")
    assert result.returncode == 1
    assert (
        "[loses values] Convert column 'price' of table 'items' from string to number:"
        " 1 of 2 values convert; 1 are no numbers: 'free' (row 2)" in result.stdout
    )
    assert "[set aside] Set column 'name' (string) of table 'items' aside" in result.stdout
    assert "[safe] Add column 'stock' (number) to table 'items'" in result.stdout
    assert "They would be refused." in result.stdout
    assert sql(shop.url, "SELECT price, name FROM app.items ORDER BY _id") == [
        ("5", "tea"),
        ("free", "water"),
    ]
    assert shop.migrate("--plan", "--allow-data-loss").returncode == 0


def test_shows_the_plan_for_programs(shop: Shop) -> None:
    shop.wants(price="number", name="string")
    plan = json.loads(shop.migrate("--plan", "--json").stdout)
    assert (plan["made"], plan["possible"], plan["needs_data_loss"]) == (False, True, True)
    [change] = plan["changes"]
    assert change["note"].startswith("as they were they are kept in _removed_")
    assert {k: v for k, v in change.items() if k != "note"} == {
        "kind": "loses values",
        "change": "Convert column 'price' of table 'items' from string to number",
        "table": "items",
        "column": "price",
        "rows": 2,
        "values": 2,
        "failing": 1,
        "examples": [{"row": 2, "value": "'free'"}],
    }


def test_refuses_then_does_with_leave_then_purges(shop: Shop) -> None:
    shop.wants(price="number", name="string")
    refused = shop.migrate()
    assert refused.returncode == 1
    assert "1 are no numbers: 'free' (row 2)" in refused.stderr
    assert sql(shop.url, "SELECT count(*) FROM app.items WHERE price = 'free'") == [(1,)]

    assert shop.migrate("--allow-data-loss").returncode == 0
    assert sql(shop.url, "SELECT price FROM app.items ORDER BY _id") == [(5,), (None,)]
    assert shop.migrate().stdout == "The tables are as the app wants them.\n"

    aside = shop.migrate("--aside")
    assert "column 'price' (string) of table 'items': 2 values, since" in aside.stdout
    assert shop.migrate("--purge", "--older-than", "1").stdout == "Nothing is set aside.\n"
    assert "Would be purged" in shop.migrate("--purge", "--plan").stdout
    [listed] = json.loads(shop.migrate("--aside", "--json").stdout)["aside"]
    assert (listed["column"], listed["number"]) == ("price", 2)
    assert "Purged:" in shop.migrate("--purge").stdout
    assert shop.migrate("--aside").stdout == "Nothing is set aside.\n"


def test_follows_the_renames_of_the_app(shop: Shop) -> None:
    shop.wants(cost="string", name="string")
    (shop.folder / "shop" / "migrations.yaml").write_text(
        "renames: [{id: '1', columns: {items: {price: cost}}}]"
    )
    result = shop.migrate()
    assert "Rename column 'price' of table 'items' to 'cost'" in result.stdout
    assert sql(shop.url, "SELECT cost FROM app.items ORDER BY _id") == [("5",), ("free",)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name an instance, or give --app DIR"),
        (("x", "--app", "y"), "name an instance, or give --app DIR"),
        (("x", "--older-than", "3"), "--older-than takes a number of days"),
        (("x", "--dep-id", "A=b"), "--dep-id and --config-file go with --app"),
    ],
)
def test_says_what_is_wrong_with_its_options(arguments: tuple[str, ...], message: str) -> None:
    result = migrate(*arguments)
    assert result.returncode == 2
    assert message in result.stderr


def test_migrates_an_instance_to_its_release(
    home: Home, server: DatabaseServer, source: Path
) -> None:
    instance = provision(
        home, server, "river-inn", publish(home, "v1.0.0", "x", source), title="Inn", port=4040
    )
    try:
        given = ("river-inn", "--data-dir", home.data, "--database", server.admin_url)
        assert "Add table 'contacts'" in migrate(*given).stdout
        # As an upgrade does: the next release, whose template carries its renames.
        template = source / "master_template"
        (template / "migrations.yaml").write_text(
            "renames: [{id: v1.1, columns: {contacts: {email: mail}}}]"
        )
        release = publish(home, "v1.1.0", "x", source)
        link = instance.path / "master_template"
        link.unlink()
        link.symlink_to(release.folder / "master_template")
        app_file = instance.path / instance.package_name / "anvil.yaml"
        app = yaml.safe_load(app_file.read_text().replace("v1.0.0", "v1.1.0"))
        app["db_schema"]["contacts"]["columns"][0]["name"] = "mail"
        app_file.write_text(yaml.safe_dump(app))
        result = migrate(*given)
        assert "Rename column 'email' of table 'contacts' to 'mail'" in result.stdout
        history = (instance.path / "history.jsonl").read_text().splitlines()
        assert [json.loads(line)["action"] for line in history] == [
            "provision",
            "migrate",
            "migrate",
        ]
        assert "There is no instance 'other-inn'" in migrate("other-inn", *given[1:]).stderr
    finally:
        drop_database(server, instance.database_name)
