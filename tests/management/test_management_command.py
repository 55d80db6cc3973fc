"""`mybizz management ...`: made whole or not at all, backed up, brought back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app_server.tables.store import libpq_url
from scripts.operations.databases import drop_database
from scripts.operations.home import Home
from scripts.operations.instances import list_instances
from scripts.operations.management import management_folder
from tests.management.test_agent import server_of
from tests.product.studio import ROOT
from tests.scripts.calling import ask, call

# In the middle: the database is there, the folder is not, or not whole.
KILLED_AT = 25


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("installation")
    yield folder
    drop_database(server_of(postgres_url), "mybizz_management")


def count_people(base: Path) -> int:
    url = libpq_url(str(management_folder(Home.at(base)).read_config()["database"]))
    with psycopg.connect(url) as database:
        row = database.execute("SELECT count(*) FROM app.users").fetchone()
        assert row
        return int(row[0])


def test_is_made_though_it_was_killed(base: Path, postgres_url: str) -> None:
    words = ["management", "create", "--founder", "thandi@example.com", "--database", postgres_url]
    dry = ask(*words, "--dry-run", data_dir=base)
    assert not dry["exists"] and not management_folder(Home.at(base)).path.exists()
    killed = subprocess.run(
        [sys.executable, "-m", "tests.scripts.dying", str(KILLED_AT), *words]
        + ["--data-dir", str(base)],
        cwd=ROOT,
        capture_output=True,
        timeout=150,
    )
    assert killed.returncode == -9, killed.stderr
    made = ask(*words, data_dir=base)
    folder = management_folder(Home.at(base))
    link = made["founder_link"]
    assert link["email"] == "thandi@example.com" and "/app/invitation/" in link["url"]
    assert oct(folder.config_file.stat().st_mode & 0o777) == "0o600"
    assert not folder.unfinished_marker.exists() and not folder.log_ins_file.exists()
    assert link["url"].split("/")[-1] not in folder.path.joinpath("history.jsonl").read_text()
    assert list_instances(Home.at(base)) == []
    assert "exists already" in call(*words, data_dir=base, expected=1).stderr


def test_is_backed_up_and_brought_back(base: Path, postgres_url: str) -> None:
    folder = management_folder(Home.at(base))
    at = ["--database", postgres_url]
    (made,) = ask("instance", "backup", "--all", *at, data_dir=base)["instances"]
    assert made["instance"] == "management" and made["rows"] > 0
    newer = ask("management", "backup", *at, data_dir=base)
    assert newer["id"] > made["id"] and newer["rows"] == made["rows"]
    with psycopg.connect(libpq_url(str(folder.read_config()["database"]))) as database:
        database.execute("DELETE FROM app.invitations")
        database.execute("DELETE FROM app.users")
    assert count_people(base) == 0
    words = ["management", "restore", "--backup", made["id"], "--yes"]
    restored = ask(*words, *at, data_dir=base)
    assert restored["id"] == made["id"] and restored["former"]
    assert count_people(base) == 1
    assert (
        "reserved"
        in call("instance", "restore", "management", *at, data_dir=base, expected=1).stderr
    )
