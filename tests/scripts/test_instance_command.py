"""Instances by the command line: made, listed, shown, opened and taken away again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scripts.operations.databases import DatabaseServer, create_database, drop_database
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import find_instance
from scripts.operations.names import choose_name, make_slug, suggest_names
from scripts.operations.releases import publish, remove_folder
from tests.scripts.calling import ask, call

pytestmark = pytest.mark.timeout(300)
OWNER = ("--owner", "zoe@seaview.example")


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("Sea View Inn", "sea-view-inn"),
        ("Café Zoë & Sons", "cafe-zoe-and-sons"),
        ("Müller's Straßencafé", "mullers-strassencafe"),
        ("  24/7 Łódź!  ", "24-7-lodz"),
        ("ヨガ", ""),
    ],
)
def test_makes_a_plain_name_of_a_title(words: str, slug: str):
    assert make_slug(words) == slug


def test_suggests_names_that_are_free():
    taken = {"sea-view-inn"}
    names = suggest_names("The Sea View Inn (Pty) Ltd", lambda name: name not in taken)
    assert names == ["the-sea-view-inn-pty-ltd", "seaviewinn", "sea-view"]
    assert suggest_names("The Sea View Inn (Pty) Ltd", lambda _name: True)[0] == "sea-view-inn"


@pytest.mark.parametrize("wanted", ["admin", "24 hours", "x" * 60, "Yoga--Studio", "a b"])
def test_suggestions_can_always_be_taken(home: Home, server: DatabaseServer, wanted: str):
    for name in suggest_names(wanted, lambda _name: True):
        assert choose_name(home, server, name, "") == name


def test_a_name_that_is_taken_comes_with_others(home: Home, server: DatabaseServer):
    folder = home.instances / "river-inn"
    folder.mkdir()
    (folder / "instance.yaml").write_text("app: client_river_inn\n")
    with pytest.raises(OperationError, match=r"exists already.*Free would be: riverinn, river-"):
        choose_name(home, server, "river-inn", "")


def test_a_name_whose_database_is_somebodys_is_not_suggested(home: Home, server: DatabaseServer):
    with server.connect() as connection:
        connection.execute("CREATE DATABASE mybizz_hill_shop")
    try:
        assert choose_name(home, server, None, "Hill Shop") == "hillshop"
    finally:
        drop_database(server, "mybizz_hill_shop")


def test_what_a_killed_run_left_may_be_wanted_again(home: Home, server: DatabaseServer):
    create_database(server, "mybizz_hill_shop")
    try:
        assert choose_name(home, server, None, "Hill Shop") == "hill-shop"
    finally:
        drop_database(server, "mybizz_hill_shop")


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """An installation with the real template published."""
    with tempfile.TemporaryDirectory(prefix="mybizz-command-") as name:
        home = Home.at(Path(name))
        home.make()
        publish(home, "v1.0.0", "First.")
        yield Path(name)
        remove_folder(home.releases)


@pytest.fixture(scope="module")
def inn(base: Path, postgres_url: str, runtime: None, m3_assets: None) -> Iterator[str]:
    """The name of an instance that the command made."""
    name = f"inn-{os.getpid()}"
    titled = ("--title", "Sea View Inn", "--owner-name", "Zoe Adams", "--currency", "NAD")
    made = ask(
        *("instance", "create", name, *titled, *OWNER, "--database", postgres_url), data_dir=base
    )
    assert made["state"] == "ready" and made["owner_link"]["email"] == "zoe@seaview.example"
    yield name
    drop_database(
        DatabaseServer(postgres_url, "", 0), find_instance(Home.at(base), name).database_name
    )


def test_lists_what_it_made(base: Path, inn: str):
    listed = ask("instance", "list", data_dir=base)["instances"]
    assert [(each["name"], each["title"], each["release"]) for each in listed] == [
        (inn, "Sea View Inn", "v1.0.0")
    ]
    assert ask("release", "list", data_dir=base)["releases"][0]["instances"] == [inn]


def test_shows_one_with_its_database_and_history(base: Path, inn: str, postgres_url: str):
    shown = ask("instance", "show", inn, "--database", postgres_url, data_dir=base)
    assert shown["database"]["bytes"] > 1_000_000 and not shown["is_served"]
    assert [entry["action"] for entry in shown["history"]][:2] == ["provision", "set up"]


def test_shows_no_key_to_anybody(base: Path, inn: str, postgres_url: str):
    told = call("instance", "show", inn, "--json", "--database", postgres_url, data_dir=base).stdout
    config = find_instance(Home.at(base), inn).read_config()
    for key in (config["uplink-key"], config["secret"]["search_hash_key"]):
        assert key not in told


def test_says_where_it_opens_and_refuses_while_it_is_not_served(base: Path, inn: str):
    opened = ask("instance", "open", inn, "--print", data_dir=base)
    assert opened["address"] == f"http://{inn}.localhost:3030/app"
    told = call("instance", "open", inn, data_dir=base, expected=1).stderr
    assert "is not served" in told and "scripts/run" in told


def test_the_owners_link_is_kept_nowhere_and_made_anew(base: Path, inn: str, postgres_url: str):
    made = ask("instance", "owner-link", inn, "--database", postgres_url, data_dir=base)
    assert made["email"] == "zoe@seaview.example"
    token = made["url"].removeprefix(f"http://{inn}.localhost:3030/app/invitation/")
    assert len(token) == 43
    folder = find_instance(Home.at(base), inn).path
    texts = [
        path.read_text(errors="replace")
        for where in (folder, base / "commands")
        for path in where.rglob("*")
        if path.is_file() and "master_template" not in path.parts and "m3" not in path.parts
    ]
    assert texts and not any(token in text for text in texts)
    assert not (folder / "log-ins.json").exists()


def test_a_wrong_name_gets_the_near_one(base: Path, inn: str):
    told = call("instance", "show", inn[:-1], data_dir=base, expected=1).stderr
    assert f"Did you mean '{inn}'?" in told


def test_refuses_a_name_that_is_taken(base: Path, inn: str, postgres_url: str):
    words = ("instance", "create", inn, *OWNER, "--database", postgres_url)
    told = ask(*words, data_dir=base, expected=1)
    assert "exists already" in told["error"] and "Free would be" in told["error"]


def test_a_dry_run_makes_nothing(base: Path):
    told = ask(*("instance", "create", "--title", "Café Zoë", *OWNER, "--dry-run"), data_dir=base)
    assert told["name"] == "cafe-zoe" and told["database"] == "mybizz_cafe_zoe"
    assert not (base / "client_instances" / "cafe-zoe").exists()
    assert not (base / "postgres").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("instance", "create", "--owner", "a@b.example"), "Give a NAME, a --title, or both"),
        (("instance", "create", "x-y", "--owner", "nobody"), "an e-mail address was expected"),
        (("instance", "create", "x-y"), "Missing option '--owner'"),
        (("instance", "vanish", "x-y"), "No such command 'vanish'"),
    ],
)
def test_what_is_not_understood_ends_with_2(base: Path, words: tuple[str, ...], says: str):
    assert says in call(*words, data_dir=base, expected=2).stderr


def test_a_business_that_the_template_refuses_is_undone(base: Path, postgres_url: str):
    words = ("instance", "create", "mars-cafe", *OWNER, "--time-zone", "Mars/Olympus")
    told = ask(*words, "--database", postgres_url, data_dir=base, expected=1)
    assert "set-up of the business failed" in told["error"]
    assert not (base / "client_instances" / "mars-cafe").exists()
    with psycopg.connect(postgres_url) as connection:
        query = "SELECT count(*) FROM pg_database WHERE datname = 'mybizz_mars_cafe'"
        assert connection.execute(query).fetchone() == (0,)


def test_asks_before_it_destroys(base: Path, inn: str, postgres_url: str):
    told = call("instance", "destroy", inn, "--database", postgres_url, data_dir=base, expected=1)
    assert "Give --yes" in told.stderr
    assert find_instance(Home.at(base), inn).exists()


def test_destroys_and_completes_what_was_half_destroyed(base: Path, inn: str, postgres_url: str):
    instance = find_instance(Home.at(base), inn)
    # As a run leaves it that was killed after its first step.
    instance.config_file.rename(instance.destroying_marker)
    again = ("instance", "create", inn, *OWNER, "--database", postgres_url)
    assert "half destroyed" in ask(*again, data_dir=base, expected=1)["error"]

    call("instance", "destroy", inn, "--yes", "--database", postgres_url, data_dir=base)
    assert not instance.path.exists()
    with psycopg.connect(postgres_url) as connection:
        for table, column in (("pg_database", "datname"), ("pg_roles", "rolname")):
            query = f"SELECT count(*) FROM {table} WHERE {column} = %s"
            assert connection.execute(query, (instance.database_name,)).fetchone() == (0,)


def test_everything_was_noted_and_no_password_kept(base: Path, inn: str, postgres_url: str):
    log = ask("log", "--limit", "1000", data_dir=base)["commands"]
    made = next(entry for entry in log if entry["command"][:2] == ["instance", "create"])
    assert made["state"] == "done" and made["by"] and made["seconds"] > 0
    assert any(entry["state"] == "failed" and "error" in entry for entry in log)
    password = str(psycopg.conninfo.conninfo_to_dict(postgres_url).get("password") or "-none-")
    for path in (base / "commands").glob("*.jsonl"):
        assert password not in path.read_text()
        assert path.stat().st_mode & 0o077 == 0
