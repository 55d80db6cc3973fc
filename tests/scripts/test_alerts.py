"""Faults that are put into real businesses, their server, their databases and their files: each is
found within two minutes, by the name of the business, with a next step; and nothing else is."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fasteners
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg.types.json import Jsonb

from app_server import postgres
from scripts.operations.backup_keys import key_file, read_backup_key
from scripts.operations.backups import DATABASE_FILE, MANIFEST_FILE, list_backups
from scripts.operations.drills import drill
from scripts.operations.home import ROOT
from scripts.operations.observing import machine_look
from scripts.operations.observing.channels import UnsentError
from scripts.operations.observing.guarding import guard_monitor
from scripts.operations.observing.looking import Eyes
from scripts.operations.observing.rules import RULES
from scripts.operations.observing.settings import write_settings
from scripts.operations.observing.store import state_file
from scripts.operations.releases import set_writable
from tests.scripts.calling import ask, call
from tests.scripts.watched import NAMES, Fleet, Watch, moved_away, rewrite_history, serving_fleet

pytestmark = pytest.mark.timeout(240)
ASH, BIRCH, CEDAR = NAMES
Breaking = Callable[[Fleet], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with serving_fleet() as served:
        yield served


@dataclass(frozen=True)
class Fault:
    """``broken(fleet)`` breaks something for as long as its block lasts. ``also``: rules that it
    trips as well, since one thing comes of the other."""

    rule: str
    instance: str | None
    broken: Breaking
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.broken.__name__.replace("_", " ")


FAULTS: list[Fault] = []


def fault(rule: str, instance: str | None, *also: str) -> Callable[[Any], Any]:
    def declare(function: Callable[[Fleet], Iterator[None]]) -> Any:
        FAULTS.append(Fault(rule, instance, contextmanager(function), also))
        return function

    return declare


# What visitors notice


@fault("instance_down", "dune-cafe")
def an_instance_that_cannot_be_started(fleet: Fleet) -> Iterator[None]:
    folder = fleet.home.instances / "dune-cafe"
    app = folder / "client_dune_cafe"
    app.mkdir(parents=True)
    (app / "anvil.yaml").write_text("name: Dune\ndependencies: [{app_id: NOBODY}]\n")
    folder.chmod(0o700)
    made = fleet.folder("dune-cafe")
    made.write_config({"app": "client_dune_cafe", "port": fleet.port, "origin": origin(fleet)})
    made.log("provision", release="v1.0.0")
    yield
    shutil.rmtree(folder)


def origin(fleet: Fleet) -> str:
    return f"http://dune-cafe.localhost:{fleet.port}"


@fault("error_rate", BIRCH)
def requests_that_fail(fleet: Fleet) -> Iterator[None]:
    assert set(fleet.get_many(BIRCH, "/fail", 8)) == {500}
    yield


@fault("worker_crash_loop", CEDAR)
def server_code_that_crashes(fleet: Fleet) -> Iterator[None]:
    for _call in range(3):
        assert fleet.get(CEDAR, "/crash") == 500
    yield


@fault("latency", ASH)
def calls_that_are_slow(fleet: Fleet) -> Iterator[None]:
    assert set(fleet.get_many(ASH, "/wait/0.7", 10)) == {200}
    yield


@fault("endless_calls", BIRCH, "latency", "error_rate")
def calls_that_do_not_end(fleet: Fleet) -> Iterator[None]:
    assert 200 not in fleet.get_many(BIRCH, "/wait/9", 2)
    yield


@fault("certificate_expires", ASH)
def a_certificate_of_five_days(fleet: Fleet) -> Iterator[None]:
    folder = fleet.folder(ASH)
    config = folder.read_config()
    with serving_certificate(fleet.home.data, timedelta(days=5)) as port:
        folder.write_config({**config, "origin": f"https://localhost:{port}"})
        wait_until_well(fleet, ASH)
        yield
    folder.write_config(config)
    wait_until_well(fleet, ASH)


def wait_until_well(fleet: Fleet, name: str) -> None:
    """Until the server has followed a changed configuration."""
    import httpx

    host = str(fleet.folder(name).read_config()["origin"]).partition("://")[2]

    def is_there() -> bool:
        address = f"http://127.0.0.1:{fleet.port}/_/health"
        return httpx.get(address, headers={"host": host}).status_code == 200

    fleet.wait_until(is_there, f"{name} answers as {host}")


@contextmanager
def serving_certificate(base: Path, lasts: timedelta) -> Iterator[int]:
    """A server that shows a certificate that ends so soon; its port."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=80)).not_valid_after(now + lasts)
    signed = made.sign(key, hashes.SHA256())
    pem = base / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with listening() as plain:

        def answer() -> None:
            while True:
                try:
                    taken, _address = plain.accept()
                except OSError:
                    return
                with taken:
                    try:
                        context.wrap_socket(taken, server_side=True).close()
                    except OSError:
                        continue

        thread = threading.Thread(target=answer)
        thread.start()
        yield int(plain.getsockname()[1])
        plain.shutdown(2)
    thread.join()


@contextmanager
def listening() -> Iterator[Any]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as plain:
        yield plain


# Databases


@fault("database_down", None)
def a_database_server_that_is_killed(fleet: Fleet) -> Iterator[None]:
    postgres._run_tool("pg_ctl", "stop", "-m", "immediate", "-w", folder=fleet.home.postgres)
    yield
    postgres.start(fleet.home.postgres)
    for name in NAMES:
        wait_until_well(fleet, name)


@fault("database_down", CEDAR)
def a_database_that_lets_nobody_in(fleet: Fleet) -> Iterator[None]:
    name = fleet.folder(CEDAR).database_name
    fleet.administer(
        f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false',
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    yield
    fleet.administer(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    wait_until_well(fleet, CEDAR)


@fault("connections_exhausted", None)
def a_role_that_gets_no_connection(fleet: Fleet) -> Iterator[None]:
    name = fleet.folder(BIRCH).database_name
    fleet.administer(f'ALTER ROLE "{name}" CONNECTION LIMIT 0')
    yield
    fleet.administer(f'ALTER ROLE "{name}" CONNECTION LIMIT -1')


@fault("database_blocked", CEDAR)
def a_lock_that_nobody_lets_go(fleet: Fleet) -> Iterator[None]:
    def wait() -> None:
        fleet.query(CEDAR, "SELECT count(*) FROM app.payments")

    with psycopg.connect(fleet.url(CEDAR)) as holder:
        holder.execute("LOCK TABLE app.payments IN ACCESS EXCLUSIVE MODE")
        waiting = threading.Thread(target=wait)
        waiting.start()
        waits = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        fleet.wait_until(lambda: fleet.query(CEDAR, waits) != [(0,)], "it waits for the lock")
        yield
        holder.rollback()
    waiting.join()


@fault("wal_archive_failing", None)
def an_archive_that_takes_nothing(fleet: Fleet) -> Iterator[None]:
    fleet.administer("ALTER SYSTEM SET archive_command = 'false'", "SELECT pg_reload_conf()")
    fleet.administer("SELECT pg_switch_wal() FROM (SELECT txid_current()) AS now")
    failed = "SELECT failed_count > 0 FROM pg_stat_archiver"
    fleet.wait_until(lambda: fleet.query(ASH, failed) == [(True,)], "archiving failed")
    yield
    fleet.administer("ALTER SYSTEM RESET archive_command", "SELECT pg_reload_conf()")
    done = "SELECT last_archived_time > last_failed_time FROM pg_stat_archiver"
    fleet.wait_until(lambda: fleet.query(ASH, done) == [(True,)], "it is archived again")


# Work in the background


@fault("scheduler_stopped", ASH)
def a_task_that_nobody_starts(fleet: Fleet) -> Iterator[None]:
    due = fleet.query(ASH, "SELECT next_run_at FROM _mybizz.scheduled_tasks WHERE job_id = 'STOCK'")
    change = "UPDATE _mybizz.scheduled_tasks SET next_run_at = %s WHERE job_id = 'STOCK'"
    fleet.query(ASH, change, [datetime.now(UTC) - timedelta(minutes=20)])
    yield
    fleet.query(ASH, change, [due[0][0]])


@fault("tasks_failing", BIRCH)
def background_tasks_that_fail(fleet: Fleet) -> Iterator[None]:
    fleet.get_many(BIRCH, "/launch/count_stock", 3)
    failed = "SELECT count(*) FROM _mybizz.background_tasks WHERE status = 'failed'"
    fleet.wait_until(lambda: fleet.query(BIRCH, failed) == [(3,)], "they failed")
    yield
    fleet.query(BIRCH, "DELETE FROM _mybizz.background_tasks")


@fault("outbox_dead", BIRCH)
def a_mail_that_was_given_up(fleet: Fleet) -> Iterator[None]:
    yield from with_outbox_row(fleet, BIRCH, status="dead", last_error="mailbox is full")


@fault("outbox_late", CEDAR)
def a_mail_that_nobody_sends(fleet: Fleet) -> Iterator[None]:
    yield from with_outbox_row(fleet, CEDAR, due_at=datetime.now(UTC) - timedelta(hours=1))


@fault("provider_outage", ASH)
def a_provider_that_fails_for_one(fleet: Fleet) -> Iterator[None]:
    yield from with_outbox_row(fleet, ASH, attempts=4, last_error="Brevo answered 503")


@fault("provider_outage", None)
def a_provider_that_fails_for_all(fleet: Fleet) -> Iterator[None]:
    rows = [
        with_outbox_row(fleet, name, attempts=4, last_error="Brevo answered 503") for name in NAMES
    ]
    for row in rows:
        next(row)
    yield
    for row in rows:
        next(row, None)


@fault("provider_outage", CEDAR)
def an_integration_that_fails_its_test(fleet: Fleet) -> Iterator[None]:
    row = {"name": "stripe", "is_working": False, "message": "The key was revoked.", "version": 1}
    yield from with_row(fleet, CEDAR, "integrations", {**row, "tested_at": datetime.now(UTC)})


@fault("mail_failing", BIRCH)
def mails_that_fail(fleet: Fleet) -> Iterator[None]:
    facts = {"status": "failed", "error": "The mail server refuses the sender."}
    yield from with_row(
        fleet, BIRCH, "email_log", {**facts, "mail_id": "m1", "queued_at": datetime.now(UTC)}
    )


@fault("webhook_silent", ASH)
def a_payment_provider_that_is_silent(fleet: Fleet) -> Iterator[None]:
    began = datetime.now(UTC) - timedelta(hours=1)
    for number in range(3):
        insert(
            fleet,
            ASH,
            "payments",
            {
                "number": number + 1,
                "payment_number": f"P-{number + 1}",
                "status": "requires_action",
                "method": "card",
                "kind": "booking",
                "provider": "stripe",
                "currency": "ZAR",
                "created_at": began,
            },
        )
    yield
    fleet.query(ASH, "DELETE FROM app.payments")


@fault("webhook_silent", BIRCH)
def a_stripe_that_tells_the_console_nothing(fleet: Fleet) -> Iterator[None]:
    now = datetime.now(UTC)
    days = [now - timedelta(days=3), now - timedelta(hours=2)]
    event = {"event_id": "evt_1", "status": "done", "received_at": days[0]}
    insert(fleet, BIRCH, "billing_events", event)
    check = {"status": "done", "started_at": days[1], "ended_at": days[1]}
    insert(fleet, BIRCH, "billing_checks", {**check, "differences": Jsonb([{"id": "in_1"}])})
    yield
    fleet.query(BIRCH, "DELETE FROM app.billing_checks")
    fleet.query(BIRCH, "DELETE FROM app.billing_events")


def with_outbox_row(fleet: Fleet, name: str, **facts: Any) -> Iterator[None]:
    now = datetime.now(UTC)
    row = {"kind": "mail", "payload_encrypted": "-", "status": "waiting", "attempts": 0}
    return with_row(
        fleet,
        name,
        "outbox",
        {**row, "due_at": now + timedelta(hours=1), "created_at": now, **facts},
    )


def with_row(fleet: Fleet, name: str, table: str, row: dict[str, Any]) -> Iterator[None]:
    insert(fleet, name, table, row)
    yield
    fleet.query(name, f"DELETE FROM app.{table}")


def insert(fleet: Fleet, name: str, table: str, row: dict[str, Any]) -> None:
    places = ", ".join(["%s"] * len(row))
    statement = f"INSERT INTO app.{table} ({', '.join(row)}) VALUES ({places})"
    fleet.query(name, statement, list(row.values()))


# Backups


@fault("backup_missing", BIRCH)
def backups_that_are_gone(fleet: Fleet) -> Iterator[None]:
    instance = fleet.folder(BIRCH)
    before = instance.read_history()
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    changed = [{**e, "at": long_ago} if e["action"] == "provision" else e for e in before]
    rewrite_history(instance, changed)
    with moved_away(instance.backups):
        yield
    rewrite_history(instance, before)


@fault("backup_old", CEDAR)
def a_backup_of_this_morning(fleet: Fleet) -> Iterator[None]:
    newest = list_backups(fleet.folder(CEDAR).backups)[-1]
    path = newest.folder / MANIFEST_FILE
    before = path.read_text()
    facts = {name: value for name, value in newest.manifest.items() if name != "signature"}
    facts["at"] = (newest.at - timedelta(hours=3)).isoformat()
    signature = read_backup_key(fleet.home).sign(facts)
    path.write_text(json.dumps({**facts, "signature": signature}))
    yield
    path.write_text(before)


@fault("backup_damaged", ASH)
def a_backup_with_a_bad_block(fleet: Fleet) -> Iterator[None]:
    with damaged_backup(fleet, ASH):
        yield


@fault("drill_failed", ASH)
def a_drill_that_proves_nothing(fleet: Fleet) -> Iterator[None]:
    with damaged_backup(fleet, ASH) as newest:
        assert not drill(fleet.home, fleet.server, newest).is_proven
    yield
    assert drill(fleet.home, fleet.server, newest).is_proven


@contextmanager
def damaged_backup(fleet: Fleet, name: str) -> Iterator[Any]:
    newest = list_backups(fleet.folder(name).backups)[-1]
    path = newest.folder / DATABASE_FILE
    content = path.read_bytes()
    path.write_bytes(content[:1000] + bytes([content[1000] ^ 1]) + content[1001:])
    yield newest
    path.write_bytes(content)


@fault("backup_key_missing", None)
def a_key_that_is_lost(fleet: Fleet) -> Iterator[None]:
    with moved_away(key_file(fleet.home)):
        yield


@fault("drill_old", CEDAR)
def a_drill_of_last_month(fleet: Fleet) -> Iterator[None]:
    at = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    yield from with_drill(fleet, CEDAR, {"at": at, "is_proven": True})


@fault("promise_missed", BIRCH)
def a_drill_that_took_too_long(fleet: Fleet) -> Iterator[None]:
    facts = {"is_proven": True, "missed": ["RTO"], "rpo_seconds": 900.0, "rto_seconds": 20000.0}
    yield from with_drill(fleet, BIRCH, {"at": datetime.now(UTC).isoformat(), **facts})


def with_drill(fleet: Fleet, name: str, facts: dict[str, Any]) -> Iterator[None]:
    instance = fleet.folder(name)
    before = instance.read_history()
    rewrite_history(instance, [*before, {"by": "timer", "action": "drill", **facts}])
    yield
    rewrite_history(instance, before)


# What was begun or changed


@fault("creation_unfinished", CEDAR)
def a_creation_that_was_killed(fleet: Fleet) -> Iterator[None]:
    marker = fleet.folder(CEDAR).unfinished_marker
    marker.write_text("")
    make_old(marker)
    yield
    marker.unlink()


@fault("destruction_unfinished", "elm-barn")
def a_destruction_that_was_killed(fleet: Fleet) -> Iterator[None]:
    folder = fleet.home.instances / "elm-barn"
    folder.mkdir()
    marker = fleet.folder("elm-barn").destroying_marker
    marker.touch(mode=0o600)
    make_old(marker)
    yield
    marker.unlink()
    folder.rmdir()


@fault("upgrade_unfinished", BIRCH)
def an_upgrade_that_was_killed(fleet: Fleet) -> Iterator[None]:
    since = (datetime.now(UTC) - timedelta(minutes=40)).isoformat()
    pause = fleet.folder(BIRCH).path / "paused.json"
    pause.write_text(json.dumps({"mode": "changing", "reason": "upgrade", "since": since}))
    yield
    pause.unlink()
    wait_until_well(fleet, BIRCH)


@fault("upgrade_failed", CEDAR)
def an_upgrade_that_was_taken_back(fleet: Fleet) -> Iterator[None]:
    instance = fleet.folder(CEDAR)
    before = instance.read_history()
    instance.log("upgrade failed", **{"from": "v1.0.0", "to": "v1.1.0"}, error="a check failed")
    yield
    rewrite_history(instance, before)


def make_old(path: Path) -> None:
    an_hour_ago = datetime.now(UTC).timestamp() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))


@fault("release_changed", None)
def a_release_that_somebody_edits(fleet: Fleet) -> Iterator[None]:
    path = fleet.home.releases / "v1.0.0" / "m3" / "anvil.yaml"
    before = path.read_text()
    path.chmod(0o644)
    path.write_text(f"{before}# a quick fix\n")
    yield
    path.write_text(before)
    set_writable(path.parent, writable=False)


@fault("release_missing", CEDAR)
def a_release_that_is_gone(fleet: Fleet) -> Iterator[None]:
    link = fleet.folder(CEDAR).path / "master_template"
    target = os.readlink(link)
    link.unlink()
    link.symlink_to("../../releases/v0.9.0/master_template")
    yield
    link.unlink()
    link.symlink_to(target)


@fault("config_broken", ASH)
def a_configuration_with_a_slip(fleet: Fleet) -> Iterator[None]:
    path = fleet.folder(ASH).config_file
    before = path.read_text()
    path.write_text(before.replace("app:", "app: [", 1))
    yield
    path.write_text(before)


@fault("secrets_exposed", BIRCH)
def keys_that_all_may_read(fleet: Fleet) -> Iterator[None]:
    path = fleet.folder(BIRCH).config_file
    path.chmod(0o644)
    yield
    path.chmod(0o600)


# The machine


@fault("disk_readonly", None)
def a_folder_that_takes_nothing(fleet: Fleet) -> Iterator[None]:
    probe = fleet.home.data / "observing" / ".probe"
    probe.mkdir()
    yield
    probe.rmdir()


@pytest.mark.parametrize("broken", FAULTS, ids=lambda each: each.name)
def test_finds_it_within_two_minutes(fleet: Fleet, broken: Fault):
    watch = fleet.watch()
    with broken.broken(fleet):
        alert = watch.wait_for(broken.rule, broken.instance)
        if broken.instance is None:
            assert any(name in alert.text for name in NAMES) or broken.rule == "disk_readonly"
        else:
            assert broken.instance in alert.text
        assert len(alert.next_step) > 40
        assert watch.sent.messages and alert.text in watch.sent.messages[-1]["text"]
        tripped = {each.rule for each in watch.open()} - {broken.rule, *broken.also}
        others = {each.instance for each in watch.open()} - {broken.instance}
        assert not tripped and (others <= {None} or broken.also)
    # What was counted leaves the window; nothing else has to be done.
    watch.now += timedelta(minutes=6)
    watch.wait_until_quiet()
    assert "OVER" in watch.sent.messages[-1]["text"]


def test_tells_of_a_server_that_is_away_and_of_one_that_crashes_again_and_again(fleet: Fleet):
    watch = fleet.watch()
    fleet.kill()
    alert = watch.wait_for("server_down", None)
    assert all(name in alert.text for name in NAMES)
    assert {each.rule for each in watch.open()} == {"server_down"}
    for is_last in (False, False, True):
        fleet.start()
        watch.round()
        if not is_last:
            fleet.kill()
    assert {each.rule for each in watch.open()} <= {"server_down", "server_crash_loop"}
    crashing = next(each for each in watch.open() if each.rule == "server_crash_loop")
    assert "times within 15 minutes" in crashing.text and ASH in crashing.text
    watch.now += timedelta(minutes=20)
    watch.wait_until_quiet()


def test_tells_of_scheduled_tasks_that_fail_or_do_not_end(fleet: Fleet):
    """They are due when the server starts, so it runs them at once."""
    due = datetime.now(UTC) - timedelta(minutes=1)
    fleet.kill()
    fleet.query(CEDAR, "UPDATE _mybizz.scheduled_tasks SET next_run_at = %s", [due])
    fleet.start()
    ended = "SELECT status FROM _mybizz.background_tasks WHERE job_id = 'STOCK'"
    fleet.wait_until(lambda: fleet.query(CEDAR, ended) == [("failed",)], "the task failed")
    state_file(fleet.home).unlink()
    watch = Watch(fleet.home)

    failed = watch.wait_for("job_failed", CEDAR, "STOCK")
    assert "count_stock" in failed.text and "the list of stock is empty" in failed.text
    stuck = watch.wait_for("job_stuck", CEDAR)
    assert "think" in stuck.text and "its next runs are left out" in stuck.text
    fleet.query(CEDAR, "DELETE FROM _mybizz.background_tasks")
    watch.wait_until_quiet()


@pytest.mark.parametrize(("rule", "part"), [("disk_full", "the database"), ("memory_low", "free")])
def test_tells_of_a_machine_that_is_full(
    fleet: Fleet, rule: str, part: str, monkeypatch: pytest.MonkeyPatch
):
    """What the system says of disk and memory is put in its mouth; with the limits as usual."""
    watch = fleet.watch()
    limits = replace(fleet.settings.limits, disk_percent=90, memory_percent=5)
    if rule == "disk_full":
        usage = SimpleNamespace(total=100_000_000_000, free=700_000_000)
        monkeypatch.setattr(machine_look.shutil, "disk_usage", lambda _path: usage)
    else:
        memory = SimpleNamespace(total=100, available=3)
        monkeypatch.setattr(machine_look.psutil, "virtual_memory", lambda: memory)
        limits = replace(limits, disk_percent=101)
    write_settings(fleet.home, replace(fleet.settings, limits=limits))
    assert part in watch.wait_for(rule, None).text
    monkeypatch.undo()
    write_settings(fleet.home, fleet.settings)
    watch.wait_until_quiet()


def test_tells_of_a_clock_that_is_wrong(fleet: Fleet):
    offset = [0.0]
    eyes = Eyes(clock=lambda: time.time() + offset[0], steady=time.monotonic)
    watch = fleet.watch(eyes=eyes)
    offset[0] = -200.0
    alert = watch.wait_for("clock_skew", None)
    assert "3 minutes" in alert.text and ASH in alert.text
    offset[0] = 0.0
    watch.wait_until_quiet()


def test_tells_of_a_channel_that_takes_nothing(fleet: Fleet):
    watch = fleet.watch()
    watch.sent.refuse = UnsentError("Slack answered 404: no_service")
    with fleet_without_key(fleet):
        for _round in range(6):
            watch.round()
        found = next(each for each in watch.open() if each.rule == "alerts_unsent")
        assert "no_service" in found.text and found.part == "slack"
        watch.sent.refuse = None
        watch.round(timedelta(hours=1))
        assert any("cannot be opened" in each["text"] for each in watch.sent.messages)
    watch.wait_until_quiet()


@contextmanager
def fleet_without_key(fleet: Fleet) -> Iterator[None]:
    with moved_away(key_file(fleet.home)):
        yield


def test_one_that_is_killed_while_it_tells_does_so_when_it_is_started_again(fleet: Fleet):
    watch = fleet.watch()
    watch.sent.refuse = KeyboardInterrupt()
    with fleet_without_key(fleet):
        with pytest.raises(KeyboardInterrupt):
            watch.round()
        watch.sent.refuse = None
        for _start in range(3):
            watch.restart()
            watch.round()
        assert [each["subject"] for each in watch.sent.messages] == [
            "Mybizz CRITICAL: The key of the backups is missing"
        ]
    watch.wait_until_quiet()


def test_only_one_monitor_watches_an_installation(fleet: Fleet):
    with fasteners.InterProcessLock(fleet.home.data / "observing" / "monitor.lock"):
        told = call("fleet", "watch", data_dir=fleet.home.data, expected=1).stderr
    assert "Another monitor watches this installation already." in told


def test_somebody_else_tells_of_a_dead_monitor(fleet: Fleet):
    watch = fleet.watch()
    at = watch.now + timedelta(minutes=1)
    assert guard_monitor(fleet.home, at, send=watch.sent) is None
    at += timedelta(minutes=1, seconds=1)
    for _time in range(3):
        found = guard_monitor(fleet.home, at, send=watch.sent)
        assert found is not None and found.rule.name == "monitor_dead"
        at += timedelta(minutes=1)
    assert [each["subject"] for each in watch.sent.messages] == [
        "Mybizz CRITICAL: The monitor does not run"
    ]
    watch.now = at
    watch.round()
    assert not watch.open() and "OVER: The monitor" in watch.sent.messages[-1]["text"]


def test_the_doctor_finds_all_at_once_and_nothing_where_all_is_well(fleet: Fleet):
    fleet.watch()
    base = fleet.home.data
    assert ask("fleet", "doctor", data_dir=base)["findings"] == []
    with damaged_backup(fleet, ASH):
        told = ask("fleet", "doctor", data_dir=base, expected=3)
        assert [(each["rule"], each["instance"]) for each in told["findings"]] == [
            ("backup_damaged", ASH)
        ]
        assert told["findings"][0]["runbook"] == "docs/alerts.md#backup-damaged"
        assert ask("fleet", "doctor", BIRCH, data_dir=base)["findings"] == []


def test_one_that_is_stopped_on_purpose_is_no_fault(fleet: Fleet):
    watch = fleet.watch()
    pause = fleet.folder(BIRCH).path / "paused.json"
    pause.write_text(json.dumps({"mode": "stopped", "reason": "unpaid", "since": ""}))
    for _round in range(4):
        watch.round()
    assert not watch.open() and not watch.sent.messages
    pause.unlink()
    wait_until_well(fleet, BIRCH)


def test_every_rule_has_its_fault_and_its_page():
    tested = {each.rule for each in FAULTS} | {
        *("server_down", "server_crash_loop", "job_failed", "job_stuck", "disk_full"),
        *("memory_low", "clock_skew", "alerts_unsent", "monitor_dead"),
    }
    by_hand = {"instance_restarts", "server_code_down", "memory_hog"}  # test_alert_checks.py
    assert tested | by_hand == set(RULES)
    assert len(FAULTS) + 9 >= 25
    page = (ROOT / "docs" / "alerts.md").read_text()
    headings = re.findall(r"^### (\S+)$", page, re.MULTILINE)
    assert headings == [name.replace("_", "-") for name in RULES]
