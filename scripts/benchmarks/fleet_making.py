"""A fleet to measure: many businesses with many contacts, as provisioned, on one Postgres.

One is made and filled; the others are copies of its database (``CREATE DATABASE ... TEMPLATE``)
with roles and folders of their own, which is some hundred times quicker.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from app_server import postgres
from scripts.benchmarks.product import set_up
from scripts.benchmarks.running import BenchServer, launch
from scripts.operations.databases import DatabaseServer, finish_database, set_role
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder, find_instance, jdbc_url, make_config
from scripts.operations.provision import provision, write_folder
from scripts.operations.releases import Release, project_version, publish, remove_folder
from scripts.operations.serving import find_free_port

SEED = "seed"
UPLINK_KEY = "bench-uplink-key"
PAYMENTS = 500
FILL = """
INSERT INTO app.contacts (contact_id, number, first_name, last_name, email, phone, status, source,
    tags, total_spent_cents, currency, total_transactions, average_order_value_cents,
    lifecycle_stage, date_added, last_contact_date, created_at, updated_at, version, sort_name,
    search_text)
SELECT 'C-' || n, n, first, last, lower(first || '.' || last || n || '@example.com'),
    '+2782' || lpad(n::text, 7, '0'), 'customer', 'website',
    '["regular"]'::jsonb, n * 100, 'ZAR', n %% 20, 5000, 'active',
    now() - n * interval '1 hour', now() - n * interval '30 minutes', now() - n * interval '1 hour',
    now(), 1, lower(last || ' ' || first),
    lower(first || ' ' || last || ' ' || first || '.' || last || n || '@example.com')
FROM (SELECT n,
        (ARRAY['Thandi','Pieter','Ayesha','Sipho','Elodie','Johan','Lerato','Maria'])[1 + n %% 8]
            AS first,
        (ARRAY['Nkosi','van der Merwe','Patel','Dlamini','Moreau','Botha','Mokoena'])[1 + n %% 7]
            || '-' || (n %% 997) AS last
      FROM generate_series(1, %(contacts)s::bigint) AS n) AS people;
INSERT INTO app.contact_events (contact, contact_number, event_type, event_date, description,
    user_visible, author_name)
SELECT _id, number, 'note', last_contact_date, 'Asked about the timetable.', true, 'Olga'
FROM app.contacts;
INSERT INTO app.payments (payment_number, number, contact, kind, status, method, currency,
    amount_cents, tip_cents, tax_cents, fee_cents, refunded_cents, provider, captured_at,
    created_at)
SELECT 'P-' || number, number, _id, 'booking', 'captured', 'card', 'ZAR', 25000, 0, 0, 0, 0,
    'manual', now() - number * interval '2 hours', now()
FROM app.contacts WHERE number <= %(payments)s;
"""


@dataclass(frozen=True)
class Fleet:
    """Businesses whose owner logs in with ``product.OWNER``; nothing serves them yet."""

    home: Home
    database: DatabaseServer
    instances: list[InstanceFolder]
    port: int

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.instances]

    def serve(self) -> BenchServer:
        """A server of all. It answers once every instance is started; ``stop`` it."""
        arguments = ["--port", str(self.port), "--instances", str(self.home.instances)]
        first = f"{self.names[0]}.localhost"
        url = self.database.admin_url
        return launch(arguments, url, self.home.data, first, "/_/health", seconds=600)


@contextlib.contextmanager
def make_fleet(count: int, contacts: int, say: Callable[[str], None]) -> Iterator[Fleet]:
    """``count`` businesses with ``contacts`` contacts each, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="mybizz-bench-fleet-") as folder:
        home = Home.at(Path(folder))
        home.make()
        server = postgres.start(home.postgres)
        try:
            database = DatabaseServer(server.admin_url, server.host, server.port)
            say("Publishing the template ...")
            release = publish(home, project_version(), "As it stands.")
            say(f"Filling one business with {contacts} contacts ...")
            seed = _make_seed(home, database, release, contacts)
            say(f"Making {count} of it ...")
            port = find_free_port()
            with _careless(database):
                names = [f"tenant-{number:03}" for number in range(count)]
                instances = [_copy(home, database, release, seed, name, port) for name in names]
            yield Fleet(home, database, instances, port)
        finally:
            server.stop()
            remove_folder(home.releases)


@contextlib.contextmanager
def _careless(database: DatabaseServer) -> Iterator[None]:
    """Copies need not be on the disk before the next one is begun; all are at the end."""
    with database.connect() as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            connection.execute("ALTER SYSTEM RESET fsync")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CHECKPOINT")


def _make_seed(
    home: Home, database: DatabaseServer, release: Release, contacts: int
) -> InstanceFolder:
    """A business that is set up and filled, and hidden from a server of all."""
    made = provision(home, database, SEED, release, title="Sunrise Yoga", port=3030)
    made.write_config({**made.read_config(), "uplink-key": UPLINK_KEY})
    folder = made.path.rename(home.data / SEED)
    (folder / "master_template").unlink()
    (folder / "m3").unlink()
    for app in ("master_template", "m3"):
        (folder / app).symlink_to(release.folder / app)
    seed = InstanceFolder(SEED, folder)
    arguments = ["--config-file", str(seed.config_file)]
    host = f"{SEED}.localhost"
    server = launch(arguments, database.admin_url, folder, host, "/_/health", cwd=folder)
    try:
        set_up(server)
    finally:
        server.stop()
    with database.connect(seed.database_name) as connection:
        for statement in FILL.split(";\n"):
            values = {"contacts": contacts, "payments": PAYMENTS}
            if statement.strip():
                connection.execute(statement.encode(), values)
        connection.execute("VACUUM (ANALYZE)")
    with database.connect() as connection:
        # What REASSIGN OWNED in a copy gives away must not be this database.
        name = sql.Identifier(seed.database_name)
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(name))
    return seed


def _copy(
    home: Home,
    database: DatabaseServer,
    release: Release,
    seed: InstanceFolder,
    name: str,
    port: int,
) -> InstanceFolder:
    instance = find_instance(home, name)
    role, source = sql.Identifier(instance.database_name), sql.Identifier(seed.database_name)
    password = secrets.token_urlsafe(24)
    with database.connect() as connection:
        set_role(connection, instance.database_name, password)
        make = "CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy"
        connection.execute(sql.SQL(make).format(role, source, role))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))
    with database.connect(instance.database_name) as connection:
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(source, role))
        connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(role))
    finish_database(database, instance.database_name)
    address = jdbc_url(
        database.host, database.port, instance.database_name, instance.database_name, password
    )
    config = make_config(instance, address, port)
    # What the seed sealed has to be readable.
    config |= {key: seed.read_config()[key] for key in ("secret", "encryption-key")}
    config["requests-per-second"] = 0
    write_folder(instance, release, f"Business {name}", config)
    instance.unfinished_marker.unlink()
    return instance


def count_connections(database: DatabaseServer) -> int:
    """Connections of instances that are open."""
    with psycopg.connect(database.admin_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mybizz'"
        ).fetchone()
    return int(row[0]) if row else 0
