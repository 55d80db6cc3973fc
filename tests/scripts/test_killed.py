"""`create` and `destroy` killed at any step: nothing is left, or the next run completes it."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app_server.tables.store import libpq_url
from scripts.operations.databases import DatabaseServer, drop_database
from scripts.operations.destruction import destroy
from scripts.operations.home import Home
from scripts.operations.inspection import summarise
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.releases import publish, remove_folder
from tests.scripts.calling import ask, call, command_of
from tests.scripts.dying import STEPS_FILE
from tests.scripts.running import ROOT

pytestmark = pytest.mark.timeout(900)
NAME = "frail-shop"
DATABASE = "mybizz_frail_shop"
POINTS = 20
# The set-up of a template, as small as it can be: what it makes, it makes once.
SET_UP = """
import datetime
import anvil.server
from anvil.tables import app_tables, in_transaction
@anvil.server.callable
@in_transaction
def set_up_instance(business, owner, features, vertical):
    row = app_tables.contacts.get(email=owner["email"])
    if row is None:
        app_tables.contacts.add_row(email=owner["email"])
    return {"success": True}
@anvil.server.callable
def create_owner_link():
    made = datetime.datetime.now(datetime.timezone.utc)
    return {"success": True, "token": "T" * 43, "email": "zoe@frail.example", "expires_at": made}
"""


@pytest.fixture
def base(source: Path) -> Iterator[Path]:
    """An installation with the small template, which can be set up, as its release."""
    (source / "master_template" / "server_code").mkdir()
    (source / "master_template" / "server_code" / "Setup.py").write_text(SET_UP)
    manifest = source / "master_template" / "anvil.yaml"
    manifest.write_text(
        manifest.read_text().replace("{version: 3}", "{version: 3, server_persist: true}")
    )
    with tempfile.TemporaryDirectory(prefix="mybizz-killed-") as name:
        home = Home.at(Path(name))
        home.make()
        publish(home, "v1.0.0", "First.", source)
        yield Path(name)
        remove_folder(home.releases)


@pytest.fixture
def create(postgres_url: str, server: DatabaseServer) -> Iterator[tuple[str, ...]]:
    """The words of the command."""
    owner = ("--owner", "zoe@frail.example", "--port", "4040")
    yield ("instance", "create", NAME, *owner, "--database", postgres_url)
    drop_database(server, DATABASE)


def dying(last: int, *words: str, base: Path, env: dict[str, str] | None = None) -> int:
    """Run a command that dies at this step; its exit code."""
    module = [sys.executable, "-m", "tests.scripts.dying", str(last), *words]
    done = subprocess.run(
        [*module, "--data-dir", str(base)],
        cwd=ROOT,
        capture_output=True,
        timeout=150,
        env={**os.environ, **(env or {})},
    )
    return done.returncode


def count_steps(*words: str, base: Path) -> int:
    file = base / "steps"
    assert dying(0, *words, base=base, env={STEPS_FILE: str(file)}) == 0
    return int(file.read_text())


def databases(server: DatabaseServer) -> set[str]:
    with server.connect() as connection:
        rows = connection.execute("SELECT datname FROM pg_database").fetchall()
    return {str(row[0]) for row in rows if str(row[0]).startswith(DATABASE)}


def check_whole(base: Path, server: DatabaseServer) -> InstanceFolder:
    """One instance, complete, once, and nothing else."""
    home = Home.at(base)
    instance = find_instance(home, NAME)
    told = summarise(home, instance)
    assert told.state == "ready" and told.created_at
    assert [path.name for path in home.instances.iterdir()] == [NAME]
    assert databases(server) == {DATABASE}
    with psycopg.connect(libpq_url(str(instance.read_config()["database"]))) as connection:
        rows = connection.execute("SELECT email FROM app.contacts").fetchall()
    assert rows == [("zoe@frail.example",)]
    assert not instance.log_ins_file.exists()
    return instance


def test_create_killed_at_twenty_random_points_is_completed_by_the_next_run(
    base: Path, create: tuple[str, ...], server: DatabaseServer
):
    steps = count_steps(*create, base=base)
    destroy(server, check_whole(base, server))
    seed = os.environ.get("MYBIZZ_SEED") or str(random.SystemRandom().randrange(10**9))
    again = f"(the same points again: MYBIZZ_SEED={seed})"
    chosen = random.Random(seed).sample(range(1, steps + 1), POINTS)
    for last in sorted(chosen):
        assert dying(last, *create, base=base) == -signal.SIGKILL, f"it lived at {last} {again}"
        done = subprocess.run(
            command_of(*create, data_dir=base), cwd=ROOT, capture_output=True, text=True
        )
        # The last steps come after everything is done.
        is_done = done.returncode == 1 and "exists already" in done.stderr
        assert done.returncode == 0 or is_done, f"{last} of {steps} {again}: {done.stderr}"
        destroy(server, check_whole(base, server))
        assert databases(server) == set()


def test_destroy_killed_at_any_step_is_completed_by_the_next_run(
    base: Path, create: tuple[str, ...], server: DatabaseServer
):
    words = ("instance", "destroy", NAME, "--yes", "--no-backup", *create[-2:])
    call(*create, data_dir=base)
    steps = count_steps(*words, base=base)
    for last in random.Random(f"{steps}").sample(range(1, steps + 1), 5):
        call(*create, data_dir=base)
        assert dying(last, *words, base=base) == -signal.SIGKILL
        if find_instance(Home.at(base), NAME).path.exists():
            call(*words, data_dir=base)
        assert not find_instance(Home.at(base), NAME).path.exists()
        assert databases(server) == set()


def test_a_create_that_is_undone_and_killed_meanwhile_is_completed(
    base: Path, create: tuple[str, ...], server: DatabaseServer
):
    """As it stands after the first step of undoing."""
    call(*create, data_dir=base)
    instance = find_instance(Home.at(base), NAME)
    instance.unfinished_marker.write_text("")
    instance.config_file.rename(instance.destroying_marker)

    call(*create, data_dir=base)
    check_whole(base, server)


def test_the_real_template_killed_while_it_is_set_up(
    runtime: None, m3_assets: None, create: tuple[str, ...], server: DatabaseServer
):
    """Owner, settings and sample data are there once, however often it was begun."""
    with tempfile.TemporaryDirectory(prefix="mybizz-killed-") as folder:
        base = Path(folder)
        home = Home.at(base)
        home.make()
        publish(home, "v1.0.0", "First.")
        words = (*create, "--sample-data", "guesthouse")
        for line in ("Setting up the business", "Filling in sample data"):
            child = subprocess.Popen(
                command_of(*words, data_dir=base), cwd=ROOT, stderr=subprocess.PIPE, text=True
            )
            assert child.stderr
            said: list[str] = []
            for each in child.stderr:
                said.append(each)
                if line in each:
                    break
            else:
                raise AssertionError(f"it never said {line!r}:\n{''.join(said)}")
            child.kill()
            child.communicate()
        link = ask(*words, data_dir=base)["owner_link"]["url"]
        instance = find_instance(home, NAME)
        with psycopg.connect(libpq_url(str(instance.read_config()["database"]))) as connection:
            emails = connection.execute("SELECT email FROM app.users").fetchall()
            numbers = connection.execute(
                "SELECT count(*), count(DISTINCT number) FROM app.contacts"
            ).fetchone()
            hashes = connection.execute("SELECT token_hash FROM app.invitations").fetchall()
        assert len(emails) == len(set(emails)) == 4
        token = link.rpartition("/")[2]
        assert (hashlib.sha256(token.encode()).hexdigest(),) in hashes
        assert numbers and numbers[0] == numbers[1] > 10
        remove_folder(home.releases)


def test_the_first_start_of_postgres_killed_at_any_moment(tmp_path_factory: pytest.TempPathFactory):
    """Killed while its files are made or it starts: the next start has a server that answers."""
    code = (
        "import sys, pathlib\nfrom app_server import postgres\n"
        "s = postgres.start(pathlib.Path(sys.argv[1]))\nprint('up', flush=True)\ns.stop()\n"
    )
    for moment in ("data.new-*/PG_VERSION", "data.new-*/base/4", "data/PG_VERSION", "port"):
        with tempfile.TemporaryDirectory(prefix="mybizz-killed-pg-") as folder:
            target = Path(folder) / "postgres"
            command = [sys.executable, "-c", code, str(target)]
            child = subprocess.Popen(command, cwd=ROOT)
            while not any(target.glob(moment)):
                assert child.poll() is None, f"it ended before {moment} was there"
            child.kill()
            child.wait()
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
            assert done.stdout == "up\n", done.stderr
