"""What `mybizz fleet status` tells of instances that run, stand still, or have lost something."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.operations.backups import make_backup
from scripts.operations.databases import DatabaseServer, drop_database_only
from scripts.operations.fleet.status import read_fleet, read_metrics, sum_up
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder
from scripts.operations.pausing import stop_instance
from scripts.operations.provision import move_to_port
from scripts.operations.serving import (
    ask as probe,
)
from scripts.operations.serving import (
    embedded_command,
    find_free_port,
    running,
    wait_until_served,
)
from tests.scripts.calling import ask
from tests.scripts.upgradable import (
    CONTACTS,
    Template,
    drop_all,
    make_business,
    own_url,
    run_sql,
)

pytestmark = pytest.mark.timeout(120)
TABLES = {
    "contacts": f"{CONTACTS}, deleted_at datetime",
    "bookings": "number number",
    "email_log": "status string, sent_at datetime",
}


@dataclass
class Served:
    home: Home
    server: DatabaseServer
    shops: dict[str, InstanceFolder]
    child: subprocess.Popen[bytes]


@pytest.fixture
def served(home: Home, server: DatabaseServer, source: Path) -> Iterator[Served]:
    """Three that are served: `tea-room` is in use, `kiosk` was stopped, `bakery` has lost its
    database; and `shoe-shop`, whose server is another that does not run."""
    release = Template(home, source).publish("v1.0.0", TABLES)
    names = ("bakery", "kiosk", "shoe-shop", "tea-room")
    shops = {name: make_business(home, server, release, name, rows=4) for name in names}
    port = find_free_port()
    for name in ("bakery", "kiosk", "tea-room"):
        move_to_port(shops[name], port)
    tea = shops["tea-room"]
    run_sql(server, tea, "UPDATE app.contacts SET deleted_at = now() WHERE _id = 1")
    run_sql(server, tea, "INSERT INTO app.bookings (number) VALUES (1), (2)")
    run_sql(
        server,
        tea,
        "INSERT INTO app.email_log (status, sent_at) VALUES ('sent', now()), ('failed', now()), "
        "('sent', now() - interval '31 days')",
    )
    stop_instance(shops["kiosk"], "unpaid")
    with running(embedded_command(home, port)) as child:
        wait_until_served(tea, port, child)
        assert probe(tea, port, "/nowhere").startswith("status 404")
        drop_database_only(server, shops["bakery"].database_name)
        yield Served(home, server, shops, child)
    for each in shops.values():
        drop_all(server, each)


def test_tells_how_each_is(served: Served):
    made = make_backup(
        served.home, served.shops["tea-room"], own_url(served.server, served.shops["tea-room"])
    )
    answer = ask(
        "fleet", "status", "--database", served.server.admin_url, data_dir=served.home.data
    )
    told = {each["name"]: each for each in answer["instances"]}
    tea = told["tea-room"]
    assert (tea["health"], tea["is_served"], tea["problem"]) == ("well", True, None)
    assert (tea["contacts"], tea["bookings"], tea["emails"], tea["users"]) == (3, 2, 1, 1)
    assert tea["release"] == "v1.0.0" and tea["storage_bytes"] == 0
    assert tea["requests"] >= 2 and tea["requests_failed"] == 0 and tea["database_bytes"] > 1e6
    assert tea["backed_up_at"] == made.at.isoformat() and tea["backup_age_seconds"] < 100
    assert {name: each["health"] for name, each in told.items()} == {
        "bakery": "ill",
        "kiosk": "stopped",
        "shoe-shop": "down",
        "tea-room": "well",
    }
    assert "database" in told["bakery"]["problem"] and told["bakery"]["contacts"] is None
    assert told["kiosk"]["problem"] is None, "somebody wants it so"
    assert told["kiosk"]["contacts"] == 4 and told["kiosk"]["backup_age_seconds"] is None
    assert told["shoe-shop"]["problem"].startswith("No answer")
    assert answer["fleet"]["instances"] == 4 and answer["fleet"]["ill"] == 2
    assert answer["fleet"]["releases"] == {"v1.0.0": 4} and answer["fleet"]["contacts"] == 11


def test_without_a_database_server_the_rest_is_told(
    home: Home, server: DatabaseServer, source: Path
):
    shop = make_business(home, server, Template(home, source).publish("v1.0.0"), "kiosk")
    try:
        found = read_fleet(home, None)
    finally:
        drop_all(server, shop)
    assert [(each.name, each.release, each.contacts) for each in found] == [
        ("kiosk", "v1.0.0", None)
    ]
    assert sum_up(found)["releases"] == {"v1.0.0": 1}


def test_counts_what_failed_apart():
    text = """\
# TYPE mybizz_http_requests_total counter
mybizz_http_requests_total{kind="page",method="GET",status="200"} 7.0
mybizz_http_requests_total{kind="page",method="GET",status="503"} 2.0
# TYPE mybizz_calls_total counter
mybizz_calls_total{function="save",outcome="ok"} 5.0
mybizz_calls_total{function="save",outcome="ValueError"} 3.0
# TYPE mybizz_worker_memory_bytes gauge
mybizz_worker_memory_bytes 1e+06
"""
    told = read_metrics(text)
    assert (told["requests"], told["requests_failed"]) == (9, 2)
    assert (told["calls"], told["calls_failed"], told["memory_bytes"]) == (8, 3, 1_000_000)


def test_one_that_there_is_not_is_named(home: Home):
    answer = ask("fleet", "status", "kiosk", data_dir=home.data, expected=1)
    assert answer["error"] == "There is no instance 'kiosk'; there are none."
