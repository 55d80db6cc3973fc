"""Backups: one moment, sealed, provable; restored whole or not at all; and drills that tell."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from app_server.tables.store import libpq_url
from scripts.operations import backups, restoring
from scripts.operations.backup_keys import key_file
from scripts.operations.backups import (
    Backup,
    find_backup,
    list_backups,
    make_backup,
    prune_backups,
    read_sealed,
    verify_backup,
)
from scripts.operations.databases import (
    DatabaseServer,
    create_database,
    database_comment,
    drop_database,
    drop_database_only,
)
from scripts.operations.drills import RPO_SECONDS, drill
from scripts.operations.fingerprints import find_differences, read_fingerprints
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.provision import provision
from scripts.operations.reaching import alone_with
from scripts.operations.releases import publish
from scripts.operations.restoring import restore_instance
from scripts.operations.serving import (
    embedded_command,
    find_free_port,
    running,
    wait_until_served,
)
from tests.scripts.calling import ask, call

NAME = "willow-spa"
DATABASE = "mybizz_willow_spa"
COOKIE_KEY = "5f" * 32
TABLES = """
    CREATE SCHEMA app;
    CREATE TABLE app.contacts (
        id int PRIMARY KEY, name text, born date, spent numeric, seen timestamptz DEFAULT now(),
        photo bytea, facts jsonb, upper_name text GENERATED ALWAYS AS (upper(name)) STORED);
    CREATE TABLE app.visits (
        contact int REFERENCES app.contacts, room int, during tstzrange,
        EXCLUDE USING gist (room WITH =, during WITH &&));
    CREATE TABLE app.log (text text);
    CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the log is only added to'; END $$;
    CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON app.log
        FOR EACH ROW EXECUTE FUNCTION app.refuse();
    REVOKE TRUNCATE ON app.log FROM CURRENT_USER;
    CREATE INDEX ON app.contacts USING gin (name gin_trgm_ops);
    INSERT INTO app.contacts (id, name, born, spent, photo, facts)
        SELECT i, 'Zoë ' || i, '1990-01-01'::date + i, i * 1.10, decode(md5(i::text), 'hex'),
               jsonb_build_object('n', i) FROM generate_series(1, 500) i;
    INSERT INTO app.visits VALUES (1, 7, '[2026-03-01 10:00+02,2026-03-01 11:00+02)');
    INSERT INTO app.log VALUES ('opened'), ('opened');
"""


@pytest.fixture
def instance(home: Home, server: DatabaseServer, source: Path) -> Iterator[InstanceFolder]:
    """A provisioned instance with tables of many kinds in its database."""
    release = publish(home, "v1.0.0", "First.", source)
    made = provision(home, server, NAME, release, title="Willow Spa", port=4040)
    made.unfinished_marker.unlink()
    (made.path / "data" / "secret.key").write_text(COOKIE_KEY)
    with psycopg.connect(address(made)) as connection:
        connection.execute(TABLES)
    yield made
    for name in (f"{DATABASE}__restoring", f"{DATABASE}__former", f"{DATABASE}__drill"):
        drop_database_only(server, name)
    drop_database(server, DATABASE)


def address(instance: InstanceFolder) -> str:
    return libpq_url(str(instance.read_config()["database"]))


def back_up(home: Home, instance: InstanceFolder, **options: Any) -> Backup:
    return make_backup(home, instance, address(instance), **options)


def run(instance: InstanceFolder, statement: str) -> Any:
    with psycopg.connect(address(instance)) as connection:
        done = connection.execute(statement)
        return done.fetchone() if done.description else None


def names(instance: InstanceFolder) -> int:
    return int(run(instance, "SELECT count(*) FROM app.contacts")[0])


def databases(server: DatabaseServer) -> set[str]:
    with server.connect() as connection:
        rows = connection.execute("SELECT datname FROM pg_database").fetchall()
    return {str(row[0]) for row in rows if str(row[0]).startswith(DATABASE)}


def test_tells_what_is_in_it(home: Home, instance: InstanceFolder):
    made = back_up(home, instance)

    verify_backup(home, made)
    assert made.fingerprints["app.contacts"].rows == 500
    assert made.fingerprints["app.log"].rows == 2
    assert made.manifest["release"] == "v1.0.0"
    assert [each.id for each in list_backups(instance.backups)] == [made.id]


def test_nothing_in_it_can_be_read_without_the_key(home: Home, instance: InstanceFolder):
    made = back_up(home, instance)

    key = str(instance.read_config()["uplink-key"]).encode()
    assert any(key in piece for piece in read_sealed(home, made, backups.FILES_FILE))
    for path in made.folder.iterdir():
        content = path.read_bytes()
        assert key not in content and b"PGDMP" not in content and COOKIE_KEY.encode() not in content
        assert path.name == backups.MANIFEST_FILE or path.stat().st_mode & 0o077 == 0
    key_file(home).unlink()
    with pytest.raises(OperationError, match="Put your copy of it there"):
        verify_backup(home, made)


def test_leaves_log_ins_of_the_moment_out(home: Home, instance: InstanceFolder):
    instance.log_ins_file.write_text("a password")
    (instance.path / "data" / "sessions.sqlite3").write_text("who is logged in")
    packed = b"".join(read_sealed(home, back_up(home, instance), backups.FILES_FILE))
    assert COOKIE_KEY.encode() in packed
    assert b"who is logged in" not in packed and b"a password" not in packed


def test_counts_the_very_moment_that_is_dumped(
    home: Home, server: DatabaseServer, instance: InstanceFolder
):
    """While somebody writes all the time: what is restored is what was counted."""
    stop = threading.Event()
    written = threading.Event()

    def write() -> None:
        with psycopg.connect(address(instance), autocommit=True) as connection:
            number = 1000
            while not stop.is_set():
                number += 1
                connection.execute("INSERT INTO app.contacts (id, name) VALUES (%s, 'x')", [number])
                connection.execute("UPDATE app.contacts SET spent = spent + 1 WHERE id = 1")
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(20)
        made = back_up(home, instance)
    finally:
        stop.set()
        writer.join()
    assert names(instance) > made.fingerprints["app.contacts"].rows > 500
    assert drill(home, server, made).is_proven


def test_a_failed_dump_leaves_nothing(
    home: Home, instance: InstanceFolder, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_words: object) -> Iterator[bytes]:
        yield b"PGDMP"
        raise OperationError("pg_dump failed")

    monkeypatch.setattr(backups, "dump", fail)
    with pytest.raises(OperationError, match="pg_dump failed"):
        back_up(home, instance)
    assert list(instance.backups.iterdir()) == []


def test_says_what_pg_dump_says(home: Home, instance: InstanceFolder, server: DatabaseServer):
    with server.connect(DATABASE) as connection:
        connection.execute("CREATE TABLE public.secret (x int)")
    # Its owner is the administrator, so the instance's role may not read it.
    with pytest.raises(OperationError, match="permission denied for table secret"):
        back_up(home, instance)


@pytest.mark.parametrize("file", [backups.DATABASE_FILE, backups.FILES_FILE])
def test_finds_a_damaged_file(home: Home, instance: InstanceFolder, file: str):
    made = back_up(home, instance)
    path = made.folder / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(OperationError, match=f"{file} is not as it was written"):
        verify_backup(home, made)


def test_finds_a_manifest_that_was_changed(home: Home, instance: InstanceFolder):
    made = back_up(home, instance)
    path = made.folder / backups.MANIFEST_FILE
    manifest = json.loads(path.read_text())
    manifest["tables"]["app.contacts"]["rows"] = 3
    path.write_text(json.dumps(manifest))

    with pytest.raises(OperationError, match="manifest was changed"):
        verify_backup(home, find_backup(instance.backups, made.id))


def test_deletes_what_is_old_and_never_the_newest(home: Home, instance: InstanceFolder):
    first, second = back_up(home, instance), back_up(home, instance)
    (instance.backups / ".making-20260101T000000000Z-999999999").mkdir()
    soon, later = (datetime.now(UTC) + timedelta(days=days) for days in (29, 31))

    assert prune_backups(instance.backups, 30, soon) == []
    assert [each.id for each in prune_backups(instance.backups, 30, later)] == [first.id]
    assert [path.name for path in instance.backups.iterdir()] == [second.id]


def test_restores_the_data_and_keeps_what_was_there(
    home: Home, server: DatabaseServer, instance: InstanceFolder
):
    made = back_up(home, instance)
    run(instance, "DELETE FROM app.contacts WHERE id > 10")
    run(instance, "CREATE TABLE app.later (x int)")

    restored = restore_instance(home, server, made)
    with psycopg.connect(address(instance)) as connection:
        assert find_differences(made.fingerprints, read_fingerprints(connection)) == []
    assert restored.former and restored.former.fingerprints["app.contacts"].rows == 10
    assert restored.former.kind == "before-restore"
    assert databases(server) == {DATABASE}
    # And back again.
    restore_instance(home, server, restored.former)
    assert names(instance) == 10


def test_what_is_restored_is_guarded_as_before(
    home: Home, server: DatabaseServer, instance: InstanceFolder
):
    restore_instance(home, server, back_up(home, instance))

    with pytest.raises(psycopg.errors.RaiseException, match="only added to"):
        run(instance, "DELETE FROM app.log")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(instance, "TRUNCATE app.log")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        run(instance, "INSERT INTO app.visits SELECT * FROM app.visits")
    run(instance, "ALTER TABLE app.contacts ADD COLUMN more text")
    with server.connect() as connection:
        row = connection.execute(
            "SELECT has_database_privilege('public', %s, 'CONNECT')", (DATABASE,)
        ).fetchone()
    assert row == (False,)


def test_a_damaged_backup_changes_nothing(
    home: Home, server: DatabaseServer, instance: InstanceFolder, monkeypatch: pytest.MonkeyPatch
):
    made = back_up(home, instance)
    run(instance, "DELETE FROM app.contacts WHERE id > 10")
    path = made.folder / backups.DATABASE_FILE
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(OperationError, match="not as it was written"):
        restore_instance(home, server, made)

    # Also where nobody looks at the checksums first.
    monkeypatch.setattr(restoring, "verify_backup", lambda *_words: None)
    with pytest.raises(OperationError, match="changed or cut short"):
        restore_instance(home, server, made)
    assert names(instance) == 10 and databases(server) == {DATABASE}


def test_a_restore_that_comes_out_otherwise_changes_nothing(
    home: Home, server: DatabaseServer, instance: InstanceFolder, monkeypatch: pytest.MonkeyPatch
):
    made = back_up(home, instance)
    real = restoring.restore

    def restore_and_lose(tool: Path, url: str, pieces: Any) -> None:
        real(tool, url, pieces)
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE app.contacts SET name = 'x' WHERE id = 5")
            connection.execute("DELETE FROM app.visits")

    monkeypatch.setattr(restoring, "restore", restore_and_lose)
    with pytest.raises(
        OperationError, match=r"contacts has 500 rows with other values; app\.visits has 0 rows"
    ):
        restore_instance(home, server, made)
    assert databases(server) == {DATABASE}
    found = drill(home, server, made)
    assert not found.is_proven and len(found.problems) == 2


def test_what_a_killed_restore_left_is_saved_by_the_next(
    home: Home, server: DatabaseServer, instance: InstanceFolder, monkeypatch: pytest.MonkeyPatch
):
    made = back_up(home, instance)
    run(instance, "DELETE FROM app.contacts WHERE id > 10")

    def die(*_words: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "_tell_server", die)
        with pytest.raises(KeyboardInterrupt):
            restore_instance(home, server, made)
    assert databases(server) == {DATABASE, f"{DATABASE}__former"} and names(instance) == 500

    restore_instance(home, server, made)
    kept = [each for each in list_backups(instance.backups) if each.kind == "before-restore"]
    assert sorted(each.fingerprints["app.contacts"].rows for each in kept) == [10, 500]
    assert databases(server) == {DATABASE}


def test_an_instance_that_is_used_meanwhile_is_restored(
    home: Home, server: DatabaseServer, instance: InstanceFolder
):
    """Somebody who comes back again and again does not keep the databases from being exchanged."""
    made = back_up(home, instance)
    stop, cut = threading.Event(), 0

    def use() -> None:
        nonlocal cut
        while not stop.is_set():
            try:
                with psycopg.connect(address(instance), autocommit=True) as connection:
                    while not stop.is_set():
                        connection.execute("SELECT 1")
            except psycopg.OperationalError:
                cut += 1

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    try:
        restore_instance(home, server, made)
    finally:
        stop.set()
        for user in users:
            user.join()
    assert cut and names(instance) == 500


def test_the_server_opens_a_restored_database_anew(
    home: Home, server: DatabaseServer, instance: InstanceFolder
):
    """The backup is from before the app's tables were made: whoever serves it makes them again."""
    run(instance, "DROP SCHEMA app CASCADE")
    made = back_up(home, instance)
    port = find_free_port()
    with running(embedded_command(home, port)) as child:
        wait_until_served(instance, port, child)
        assert run(instance, "SELECT count(*) FROM app.contacts") == (0,)
        restore_instance(home, server, made)
        while run(instance, "SELECT to_regclass('app.contacts')") == (None,):
            # Until the test's own time is up.
            assert child.poll() is None
        wait_until_served(instance, port, child)


def test_makes_a_lost_instance_anew(
    home: Home, server: DatabaseServer, instance: InstanceFolder, tmp_path: Path
):
    before = instance.read_config()
    made = back_up(home, instance, target=tmp_path / "elsewhere")
    shutil.rmtree(instance.path)
    drop_database(server, DATABASE)

    restore_instance(home, server, made)
    after = find_instance(home, NAME).read_config()
    assert {**after, "database": ""} == {**before, "database": ""}
    assert names(instance) == 500
    assert (instance.path / "master_template" / "anvil.yaml").exists()
    assert (instance.path / "data" / "secret.key").read_text() == COOKIE_KEY
    assert instance.config_file.stat().st_mode & 0o077 == 0
    assert [entry["action"] for entry in instance.read_history()] == ["provision", "restore"]
    with server.connect() as connection:
        assert database_comment(connection, DATABASE) == f"Mybizz instance {DATABASE}"


def test_brings_a_lost_database_back(home: Home, server: DatabaseServer, instance: InstanceFolder):
    made = back_up(home, instance)
    drop_database(server, DATABASE)

    restored = restore_instance(home, server, made)
    assert restored.former is None and names(instance) == 500


def test_an_instance_that_cannot_be_made_anew_leaves_nothing(
    home: Home, server: DatabaseServer, instance: InstanceFolder, tmp_path: Path
):
    made = back_up(home, instance, target=tmp_path / "elsewhere")
    shutil.rmtree(instance.path)
    drop_database(server, DATABASE)
    path = made.folder / backups.DATABASE_FILE
    original = path.read_bytes()
    path.write_bytes(original[:-1])

    with pytest.raises(OperationError):
        restore_instance(home, server, made)
    assert databases(server) == set() and list(home.instances.iterdir()) == []
    path.write_bytes(original)
    restore_instance(home, server, made)
    assert names(instance) == 500


def test_works_for_an_administrator_who_is_no_superuser(
    home: Home, server: DatabaseServer, source: Path
):
    name, password = f"host_{Path(home.data).parent.name[-8:]}".replace("-", "_"), "only-for-tests"
    with server.connect() as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                sql.Identifier(name), sql.Literal(password)
            )
        )
    admin = DatabaseServer(
        psycopg.conninfo.make_conninfo(server.admin_url, user=name, password=password),
        server.host,
        server.port,
    )
    try:
        release = publish(home, "v1.0.0", "First.", source)
        made = provision(home, admin, NAME, release, title="Willow Spa", port=4040)
        run(made, TABLES)
        backup = back_up(home, made)
        run(made, "DELETE FROM app.visits")
        restore_instance(home, admin, backup)
        assert run(made, "SELECT count(*) FROM app.visits") == (1,)
        assert drill(home, admin, backup).is_proven
    finally:
        drop_database(server, DATABASE)
        with server.connect() as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_drill_touches_nothing_and_tells_what_would_be_lost(
    home: Home, server: DatabaseServer, instance: InstanceFolder
):
    made = back_up(home, instance)
    run(instance, "DELETE FROM app.contacts WHERE id > 10")

    found = drill(home, server, made)
    assert found.is_proven and found.missed == () and found.rows == 503
    assert 0 < found.rpo_seconds < RPO_SECONDS and found.rto_seconds > 0
    assert names(instance) == 10 and databases(server) == {DATABASE}
    assert instance.read_history()[-1]["is_proven"]


def test_a_drill_on_an_old_backup_says_that_the_promise_is_missed(
    home: Home, server: DatabaseServer, instance: InstanceFolder, monkeypatch: pytest.MonkeyPatch
):
    made = back_up(home, instance)
    real = Backup.at.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(Backup, "at", property(lambda self: real(self) - timedelta(hours=2)))

    found = drill(home, server, made)
    assert found.is_proven and found.missed == ("RPO",)


def test_two_commands_do_not_work_on_one_instance_at_once(home: Home, instance: InstanceFolder):
    with alone_with(home, NAME):
        told = call("instance", "backup", NAME, data_dir=home.data, expected=1).stdout
    assert f"Another command works on {NAME}" in told
    assert list_backups(instance.backups) == []


def test_the_command_backs_up_drills_and_restores(
    home: Home, server: DatabaseServer, instance: InstanceFolder, tmp_path: Path
):
    base, there = home.data, ("--database", server.admin_url)
    made = ask("instance", "backup", "--all", *there, data_dir=base)["instances"][0]
    assert made["rows"] == 503 and made["deleted"] == []
    run(instance, "DELETE FROM app.contacts WHERE id > 10")

    proven = ask("instance", "drill", NAME, *there, data_dir=base)["instances"][0]
    assert proven["is_proven"] and proven["rto_seconds"] > 0
    words = ("instance", "restore", NAME, *there)
    assert "Give --yes" in call(*words, data_dir=base, expected=1).stderr
    restored = ask(*words, "--yes", data_dir=base)
    assert restored["id"] == made["id"] and names(instance) == 500
    again = call(*words, "--dry-run", data_dir=base).stdout
    assert f"back to {made['at']}" in again, "the second time would take the first back"
    listed = ask("instance", "backups", NAME, data_dir=base)["backups"]
    assert [each["id"] for each in listed] == [made["id"], restored["former"]]
    assert ask("instance", "list", data_dir=base)["instances"][0]["backed_up_at"]

    gone = ask("instance", "destroy", NAME, "--yes", *there, data_dir=base)
    assert databases(server) == set()
    ask("instance", "restore", NAME, "--from", gone["backup"]["folder"], *there, data_dir=base)
    assert names(instance) == 500


def test_the_command_tells_by_its_exit_code_what_is_not_proven(
    home: Home, server: DatabaseServer, instance: InstanceFolder
):
    made = back_up(home, instance)
    (made.folder / backups.FILES_FILE).write_bytes(b"")
    words = ("instance", "drill", NAME, "--database", server.admin_url)
    found = ask(*words, data_dir=home.data, expected=3)
    assert not found["ok"] and not found["instances"][0]["is_proven"]


def test_one_that_fails_does_not_keep_the_others_from_being_backed_up(
    home: Home, server: DatabaseServer, instance: InstanceFolder
):
    broken = home.instances / "broken-shop"
    broken.mkdir()
    config = instance.read_config()["database"].replace(DATABASE, "mybizz_broken_shop")
    InstanceFolder("broken-shop", broken).write_config({"app": "x", "database": config})
    words = ("instance", "backup", "broken-shop", NAME, "--database", server.admin_url)
    answer = ask(*words, data_dir=home.data, expected=1)
    assert ["error" in each for each in answer["instances"]] == [True, False]


def test_a_role_made_anew_by_provisioning_still_gets_its_database(server: DatabaseServer):
    create_database(server, DATABASE)
    try:
        assert databases(server) == {DATABASE}
        create_database(server, DATABASE)
    finally:
        drop_database(server, DATABASE)
