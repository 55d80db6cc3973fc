"""Copies for staging: the business as it is, its people replaced, and nothing that acts outside."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.types.json import Jsonb

from app_server.tables.migration import Options, migrate, read_migration
from app_server.tables.store import libpq_url
from scripts.operations import cloning
from scripts.operations.anonymising import find_undeclared, read_rules
from scripts.operations.cloning import clone_instance
from scripts.operations.databases import (
    DatabaseServer,
    drop_database,
    drop_database_only,
    make_empty_database,
)
from scripts.operations.dumps import find_tool
from scripts.operations.fakes import PHONES, Fakes
from scripts.operations.fingerprints import read_fingerprints
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.provision import provision
from scripts.operations.releases import Release, publish, remove_folder
from tests.scripts.calling import call
from tests.scripts.conftest import make_checkout
from tests.scripts.running import ROOT

TEMPLATE = ROOT / "master_template"
COMMENT = cloning.SCRATCH_COMMENT
NAME, COPY = "acacia-spa", "acacia-spa-staging"
# What the checks of the database want, by table; all else is filled in from the rules.
AT = "2026-03-01 10:00+00"
WANTED: dict[str, dict[str, Any]] = {
    "users": {"role": "customer", "status": "active", "enabled": True},
    "settings": {"is_singleton": True, "business_name": "Acacia Spa"},
    "legal_texts": {"kind": "terms", "number": 1, "source": "# Terms", "published_at": AT},
    "contacts": {"number": 1, "contact_id": "C-1", "status": "customer", "total_spent_cents": 900,
                 "total_transactions": 1},
    "consents": {"kind": "marketing", "is_given": True, "recorded_at": AT},
    "bookings": {"number": 1, "booking_number": "B-1", "start_at": AT, "currency": "EUR",
                 "end_at": "2026-03-01 11:00+00", "status": "confirmed", "attendee_count": 1,
                 "payment_status": "paid", "total_cents": 900, "deposit_cents": 0},
    "payments": {"number": 1, "payment_number": "P-1", "created_at": AT, "status": "captured",
                 "method": "card", "kind": "booking", "provider": "stripe", "currency": "EUR",
                 "amount_cents": 900, "tip_cents": 0, "tax_cents": 0, "fee_cents": 0,
                 "refunded_cents": 0, "captured_at": AT},
    "products": {"name": "Oil", "slug": "oil", "currency": "EUR", "status": "active",
                 "price_cents": 100, "inventory_count": 5, "reserved_count": 0,
                 "low_stock_threshold": 1, "is_low_stock": False, "track_inventory": True},
    "tasks": {"due_date": "2026-03-02", "task_type": "custom", "status": "pending"},
    "segments": {"segment_type": "custom", "state": "ready", "filter_criteria": {"city": "x"}},
    "lead_forms": {"form_id": "f1", "name": "News", "kind": "bar", "status": "active"},
    "referrals": {"referral_id": "r1", "status": "joined"},
    "referral_rewards": {"referral_id": "r1", "recorded_at": AT, "side": "friend",
                         "entry": "granted"},
    "saved_views": {"view_id": "w1", "list_name": "contacts", "view_name": "All",
                    "is_shared": True},
    "reviews": {"review_id": "v1", "rating": 5, "status": "pending", "submitted_at": AT},
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.make()
    yield home
    remove_folder(home.releases)


@pytest.fixture(scope="module")
def release(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """With the tables, rules and declarations of the real template."""
    checkout = make_checkout(tmp_path_factory.mktemp("source"))
    for name in ("anvil.yaml", "constraints.yaml", "anonymisation.yaml"):
        shutil.copy(TEMPLATE / name, checkout / "master_template" / name)
    return publish(home, "v1.0.0", "First.", checkout)


@pytest.fixture(scope="module")
def server(postgres_url: str) -> DatabaseServer:
    parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
    return DatabaseServer(postgres_url, str(parts.get("host")), int(parts.get("port") or 5432))


class Planted:
    """Rows in which everything that is personal says so: ``words`` are all of it."""

    def __init__(self, connection: psycopg.Connection[Any], rules: dict[str, Any]):
        self._connection = connection
        self._rules = rules
        self._phones = 100
        self.words: set[str] = set()

    def plant(self, table: str, columns: list[dict[str, Any]]) -> None:
        wanted, rule = dict(WANTED.get(table, {})), self._rules[table]
        row = {}
        for column in columns:
            name, type_ = column["name"], column["type"]
            kind = rule if isinstance(rule, str) else rule[name]
            if name in wanted:
                row[name] = wanted[name]
            elif kind not in ("keep", "derived") and type_ in ("string", "simpleObject"):
                row[name] = self._word(table, name, kind, type_)
        if not row:
            return
        if isinstance(rule, str):
            self._drop_checks(table)
        names = [sql.Identifier(name) for name in row]
        values = [Jsonb(each) if isinstance(each, dict) else each for each in row.values()]
        self._connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier("app", table),
                sql.SQL(", ").join(names),
                sql.SQL(", ").join(sql.Placeholder() * len(names)),
            ),
            values,
        )

    def _drop_checks(self, table: str) -> None:
        """Nothing of this table is copied, so the rows may be any."""
        checks = self._connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
            (f"app.{table}",),
        ).fetchall()
        for (name,) in checks:
            self._connection.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                    sql.Identifier("app", table), sql.Identifier(name)
                )
            )

    def _word(self, table: str, name: str, kind: str, type_: str) -> Any:
        word = f"Qz{table}x{name}".replace("_", "")
        if type_ == "simpleObject":
            self.words.add(word)
            return {
                "line1": f"{word} 12",
                "city": word,
                "name": "Massage",
                "note": word,
                "cents": 7,
            }
        if kind == "email":
            word = f"{word}@people.test".lower()
        elif kind == "phone":
            self._phones += 1
            word = f"+27825550{self._phones}"
        elif kind == "text":
            word = f"{word} has a bad knee and asks for the quiet room"
        self.words.add(word.split(" ")[0])
        return word


@pytest.fixture(scope="module")
def planted() -> set[str]:
    return set()


@pytest.fixture(scope="module")
def source(
    home: Home, server: DatabaseServer, release: Release, planted: set[str]
) -> Iterator[InstanceFolder]:
    made = provision(home, server, NAME, release, title="Acacia Spa", port=4040)
    made.unfinished_marker.unlink()
    made.write_config({**made.read_config(), "smtp-host": "mail.example", "smtp-port": 25})
    app = yaml.safe_load((TEMPLATE / "anvil.yaml").read_text())
    constraints = yaml.safe_load((TEMPLATE / "constraints.yaml").read_text())
    asyncio.run(make_tables(address(made), app["db_schema"], constraints))
    with psycopg.connect(address(made)) as connection:
        plants = Planted(connection, read_rules(TEMPLATE))
        for table, facts in app["db_schema"].items():
            plants.plant(table, facts["columns"])
        connection.execute(LINKS)
        connection.execute(TASKS)
    planted |= plants.words
    yield made
    for name in (f"{database(COPY)}__cloning", f"{database(COPY)}__making"):
        drop_database_only(server, name)
    for name in (NAME, COPY):
        drop_database(server, database(name))


# Two contacts with one e-mail address, one of them deleted; and words in a background task.
LINKS = """
    INSERT INTO app.contacts (number, contact_id, first_name, last_name, email, phone, status,
                              total_spent_cents, total_transactions, deleted_at, account)
        SELECT 2, 'C-2', upper(first_name), last_name, email, phone, status, 0, 0, now(),
               (SELECT min("_id") FROM app.users) FROM app.contacts WHERE number = 1;
    UPDATE app.contacts SET sort_name = lower(last_name), search_text = lower(email);
    INSERT INTO app.users (email, first_name, role, role_seat, status)
        VALUES ('qzowner@people.test', 'Qzowner', 'owner', 1, 'active');
    INSERT INTO _mybizz.media (content_type, name, length, bytes)
        VALUES ('image/png', 'Qzlogo.png', 4, 'logo'), ('application/pdf', 'Qzletter.pdf', 4, 'x');
    UPDATE app.settings SET logo = (SELECT id FROM _mybizz.media WHERE name = 'Qzlogo.png');
"""
TASKS = """
    CREATE TABLE _mybizz.background_tasks (id text, outcome text);
    INSERT INTO _mybizz.background_tasks VALUES ('1', 'Qztask');
"""


async def make_tables(url: str, schema: Any, constraints: Any) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await migrate(connection, read_migration(schema, constraints, options=Options()))


def database(name: str) -> str:
    return "mybizz_" + name.replace("-", "_")


def address(instance: InstanceFolder) -> str:
    return libpq_url(str(instance.read_config()["database"]))


def content(instance: InstanceFolder) -> str:
    """All that is in an instance: its database as text, and its files."""
    url = address(instance)
    with psycopg.connect(url) as connection:
        tool = find_tool("pg_dump", connection.info.server_version)
    plain = subprocess.run(
        [str(tool), "--inserts", "--dbname", url], capture_output=True, text=True, check=True
    ).stdout
    files = [
        path
        for path in instance.path.rglob("*")
        if path.is_file() and "releases" not in str(path.resolve())
    ]
    return (plain + "".join(path.read_text(errors="replace") for path in files)).lower()


@pytest.fixture(scope="module")
def copy(home: Home, server: DatabaseServer, source: InstanceFolder) -> InstanceFolder:
    before = fingerprints(source)
    made = clone_instance(home, server, source, COPY, source_url=address(source)).instance
    assert fingerprints(source) == before, "the original was changed"
    return made


def fingerprints(instance: InstanceFolder) -> Any:
    with psycopg.connect(address(instance)) as connection:
        return read_fingerprints(connection)


def rows(instance: InstanceFolder, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address(instance)) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_every_column_of_the_template_is_declared():
    rules = read_rules(TEMPLATE)
    schema = yaml.safe_load((TEMPLATE / "anvil.yaml").read_text())["db_schema"]
    columns = [(table, each["name"]) for table, its in schema.items() for each in its["columns"]]

    assert find_undeclared(rules, iter(columns)) == [], "say in anonymisation.yaml what they become"
    assert set(rules) == set(schema), "declared, and not there any more"
    for table, of_table in rules.items():
        if not isinstance(of_table, str):
            assert set(of_table) == {name for its, name in columns if its == table}


def test_what_is_encrypted_or_a_token_is_never_copied():
    for table, of_table in read_rules(TEMPLATE).items():
        if isinstance(of_table, str):
            continue
        for name, kind in of_table.items():
            if name.endswith(("_encrypted", "_key")) and name not in ("logo_key", "automation_key"):
                assert kind in ("secret", "clear"), f"{table}.{name}"


def test_a_column_that_nobody_declared_stops_it(
    home: Home,
    server: DatabaseServer,
    source: InstanceFolder,
    monkeypatch: pytest.MonkeyPatch,
):
    rules = read_rules(TEMPLATE)
    forgotten = {name: kind for name, kind in rules["contacts"].items() if name != "internal_notes"}
    monkeypatch.setattr(cloning, "read_rules", lambda _path: {**rules, "contacts": forgotten})

    with pytest.raises(OperationError, match=r"contacts\.internal_notes"):
        clone_instance(home, server, source, "never-made", source_url=address(source))

    assert not (home.instances / "never-made").exists()
    with server.connect() as connection:
        names = connection.execute("SELECT datname FROM pg_database").fetchall()
    assert not [name for (name,) in names if "never_made" in str(name)]


def test_nothing_of_the_people_is_found_anywhere_in_it(
    source: InstanceFolder, copy: InstanceFolder, planted: set[str]
):
    original, made = content(source), content(copy)

    assert len(planted) > 40
    assert [word for word in planted if word.lower() not in original] == [], (
        "the test finds nothing"
    )
    assert [word for word in planted if word.lower() in made] == []
    assert "qztask" not in made and "qzletter" not in made and "people.test" not in made


def test_the_business_stays_as_it_is(source: InstanceFolder, copy: InstanceFolder):
    for statement in (
        "SELECT name, slug, price_cents FROM app.products",
        "SELECT amount_cents, status, currency FROM app.payments",
        "SELECT booking_number, start_at, service_snapshot->>'name' FROM app.bookings",
        "SELECT business_name FROM app.settings",
        "SELECT contact_id, status, total_spent_cents, account FROM app.contacts ORDER BY number",
        "SELECT name, bytes FROM _mybizz.media WHERE name = 'Qzlogo.png'",
        "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
        "SELECT conname, contype, convalidated FROM pg_constraint ORDER BY 1, 2",
    ):
        assert rows(copy, statement) == rows(source, statement), statement
    assert copy.title == "Acacia Spa (copy)"


def test_people_are_believable_and_equal_where_they_were(copy: InstanceFolder):
    people = rows(
        copy,
        "SELECT first_name, last_name, email, phone, sort_name, search_text FROM app.contacts "
        "ORDER BY number",
    )
    first, second = people
    assert first[:5] == second[:5], "one person, twice, is still one person"
    assert all(first) and first[3].startswith("+44")
    assert first[2].startswith(f"{first[0]}.{first[1]}.".lower().replace("'", ""))
    assert first[2].endswith("@example.com")
    assert first[4] == f"{first[1]} {first[0]}".lower()
    assert first[2] in first[5]
    address_made = rows(copy, "SELECT address FROM app.contacts WHERE number = 1")[0][0]
    assert address_made["line1"] and address_made["city"]
    notes = rows(copy, "SELECT internal_notes FROM app.contacts WHERE number = 1")[0][0]
    assert len(notes.split()) == 11, "as long as it was"


def test_it_acts_nowhere_outside(source: InstanceFolder, copy: InstanceFolder):
    for table in ("outbox", "integrations", "invitations", "upgrade_requests", "audit_log"):
        assert rows(copy, f"SELECT count(*) FROM app.{table}") == [(0,)], table
    config, original = copy.read_config(), source.read_config()
    assert not [key for key in config if key.startswith("smtp")] and "smtp-host" in original
    for key in ("secret", "encryption-key", "uplink-key", "client-uplink-key", "database"):
        assert config[key] != original[key], key
    app = yaml.safe_load((copy.path / copy.package_name / "anvil.yaml").read_text())
    assert "scheduled_tasks" not in app and app["db_schema"]
    assert json.loads(copy.clone_marker.read_text())["of"] == NAME
    assert not copy.unfinished_marker.exists()
    # Its role owns what is in it, and the other's has no right to any of it.
    assert rows(copy, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'app'") == [
        (database(COPY),)
    ]
    assert rows(copy, "SELECT count(*) FROM pg_class WHERE relacl::text LIKE '%acacia_spa=%'") == [
        (0,)
    ]


def test_keeps_people_where_that_is_asked_for(
    home: Home, server: DatabaseServer, source: InstanceFolder
):
    made = clone_instance(
        home, server, source, "acacia-spa-real", source_url=address(source), keeps_personal=True
    ).instance
    try:
        same = "SELECT first_name, email, phone, internal_notes FROM app.contacts ORDER BY number"
        assert rows(made, same) == rows(source, same)
        assert rows(made, "SELECT count(*) FROM app.audit_log") == [(1,)]
        # What opens something, or acts outside, stays behind all the same.
        assert rows(made, "SELECT count(*) FROM app.integrations") == [(0,)]
        assert rows(made, "SELECT count(second_factor_encrypted) FROM app.users") == [(0,)]
    finally:
        drop_database(server, database("acacia-spa-real"))
        shutil.rmtree(made.path)


def test_killed_anywhere_it_is_whole_or_not_there(
    home: Home, server: DatabaseServer, source: InstanceFolder, tmp_path: Path
):
    """The command ends at some of its steps as by `kill -9`; then it is run again. (The last step,
    the link to get in, needs the whole product to be served: it fails with this stand-in.)"""
    name = "acacia-spa-killed"
    words = ("instance", "clone", NAME, name, "--database", server.admin_url)
    seen = set()
    for last in (60, 200):
        died = subprocess.run(
            [
                *(sys.executable, "-m", "tests.scripts.dying", str(last)),
                *words,
                "--data-dir",
                str(home.data),
            ],
            cwd=ROOT,
            env=dict(os.environ),
            capture_output=True,
            timeout=100,
        )
        assert died.returncode == -9, died.stderr
        folder = home.instances / name
        seen.add(folder.exists())
        if folder.exists():
            break
        leftover = home.instances / f".provisioning-{name}"
        assert not (leftover / "instance.yaml").exists() or leftover.exists()
    made = InstanceFolder(name, home.instances / name)
    if not made.exists():
        made = clone_instance(home, server, source, name, source_url=address(source)).instance
    try:
        assert not made.unfinished_marker.exists() and made.clone_marker.exists()
        assert rows(made, "SELECT count(*) FROM app.contacts") == [(2,)]
        assert False in seen
    finally:
        drop_database(server, database(name))
        shutil.rmtree(made.path)


HOLDS = """
import sys
from pathlib import Path
from scripts.operations.home import Home
from scripts.operations.reaching import alone_with
with alone_with(Home.at(Path(sys.argv[1])), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(home: Home, name: str) -> Iterator[None]:
    """Another process works on the instance."""
    command = [sys.executable, "-c", HOLDS, str(home.data), name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as child:
        assert child.stdout and child.stdout.readline() == b"held\n"
        yield
        child.communicate()


def test_what_killed_copies_left_goes_with_the_next(home: Home, server: DatabaseServer):
    owner = psycopg.conninfo.conninfo_to_dict(server.admin_url)["user"]
    for name in ("acacia-left", "acacia-running"):
        make_empty_database(server, f"{database(name)}__cloning", str(owner), f"{COMMENT}{name}")

    with held_elsewhere(home, "acacia-running"):
        cloning.sweep(home, server, "acacia-own")
    with server.connect() as connection:
        left = connection.execute(cloning.SCRATCHES, (f"{COMMENT}acacia-%",)).fetchall()
    cloning.sweep(home, server, "acacia-own")

    assert [comment for _name, comment in left] == [f"{COMMENT}acacia-running"]


def test_the_command_says_what_it_would_do(home: Home, source: InstanceFolder):
    done = call("instance", "clone", NAME, "acacia-two", "--dry-run", data_dir=home.data)
    assert "Would make this copy" in done.stdout
    assert not (home.instances / "acacia-two").exists()
    told = call("instance", "clone", NAME, NAME, "--dry-run", data_dir=home.data, expected=1)
    assert "exists already" in told.stderr


def test_fakes_are_equal_for_equal_values_and_never_somebody_real():
    fakes = Fakes(b"k" * 32)
    real = {fakes.replace("first_name", f"Person {number}") for number in range(300)}
    learned = Fakes(b"k" * 32)
    learned.learn("first_name", real)
    made = {learned.replace("first_name", f"Person {number}") for number in range(300)}

    assert not {each.lower() for each in real} & {each.lower() for each in made}
    assert fakes.replace("email", "A@b.example") == fakes.replace("email", "a@B.example")
    emails = {fakes.replace("email", f"{number}@b.example") for number in range(2000)}
    assert len(emails) == 2000
    phones = {fakes.replace("phone", f"+2782555{number:04d}") for number in range(2000)}
    assert len(phones) == 2000 <= PHONES
    other = Fakes(b"x" * 32)
    assert other.replace("email", "a@b.example") != fakes.replace("email", "a@b.example")
