"""A small fleet that is served and watched, for the tests of alerts: real instances with a real
server on a Postgres of their own, so that each can be broken."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import yaml

from app_server import postgres
from app_server.tables.store import libpq_url
from scripts.operations.backups import Backup, make_backup
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import ROOT, Home
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.observing.looking import Eyes
from scripts.operations.observing.monitor import Monitor
from scripts.operations.observing.settings import Settings, make_limits, write_settings
from scripts.operations.observing.store import Alert, Change, read_state, state_file
from scripts.operations.provision import provision
from scripts.operations.releases import publish, remove_folder
from scripts.operations.serving import (
    embedded_command,
    find_free_port,
    stop_group,
    wait_until_served,
)

NAMES = ("ash-spa", "birch-inn", "cedar-shop")
ROUND = timedelta(seconds=30)
FOUND_WITHIN = 4
"""Rounds: two minutes, at the interval that is usual."""

OVER_WITHIN = 6

# What differs from machine to machine is put out of the way; the rest is small, so that a test
# need not break things for minutes.
LIMITS: dict[str, Any] = {
    "disk_percent": 101,
    "disk_free_mb": 0,
    "memory_percent": 0,
    "slow_seconds": 0.5,
    "slow_calls": 10,
    "cut_off_calls": 2,
    "failed_tasks": 3,
    "long_task_minutes": 1,
    "lock_minutes": 0.5,
}

TABLES = (
    *("outbox", "email_log", "integrations", "payments", "callable_metrics"),
    *("billing_checks", "billing_events"),
)

SERVER_CODE = """\
import os
import time
import anvil.server


@anvil.server.http_endpoint("/well")
def well():
    return "well"


@anvil.server.http_endpoint("/fail")
def fail():
    raise RuntimeError("no such supplier")


@anvil.server.http_endpoint("/crash")
def crash():
    os._exit(3)


@anvil.server.http_endpoint("/wait/:seconds")
def wait(seconds):
    time.sleep(float(seconds))
    return "done"


@anvil.server.http_endpoint("/launch/:task")
def launch(task):
    return anvil.server.launch_background_task(task).get_id()


@anvil.server.background_task
def count_stock():
    raise ValueError("the list of stock is empty")


@anvil.server.background_task
def mend_stock():
    return "mended"


@anvil.server.background_task
def think():
    time.sleep(600)
"""


def in_two_weeks() -> dict[str, Any]:
    """A time that does not come while the tests run."""
    day = (datetime.now(UTC).day + 14) % 28 + 1
    return {"every": "month", "at": {"day": day, "hour": 12, "minute": 0}}


def make_source(root: Path) -> Path:
    """The apps that are published: a little code, and the template's tables that are watched."""
    template = yaml.safe_load((ROOT / "master_template" / "anvil.yaml").read_text())
    console = yaml.safe_load((ROOT / "management" / "anvil.yaml").read_text())
    declared = {**template["db_schema"], **console["db_schema"]}
    schema = {name: declared[name] for name in TABLES}
    for table in schema.values():
        plain = (c for c in table["columns"] if not c["type"].startswith("link"))
        table["columns"] = list(plain)
        table.pop("indexes", None)
    app = {
        "name": "Template",
        "package_name": "master_template",
        "services": [{"source": "/runtime/services/tables.yml", "client_config": {}}],
        "db_schema": schema,
        "runtime_options": {"version": 3, "server_persist": True},
        "dependencies": [{"app_id": "4UK6WHQ6UX7AKELK", "version": {"dev": True}}],
        "scheduled_tasks": [
            {"job_id": "STOCK", "task_name": "count_stock", "time_spec": in_two_weeks()},
            {"job_id": "THINK", "task_name": "think", "time_spec": in_two_weeks()},
        ],
    }
    (root / "master_template" / "client_code").mkdir(parents=True)
    (root / "master_template" / "server_code").mkdir()
    (root / "master_template" / "anvil.yaml").write_text(yaml.safe_dump(app, sort_keys=False))
    (root / "master_template" / "server_code" / "work.py").write_text(SERVER_CODE)
    (root / "m3" / "theme" / "assets").mkdir(parents=True)
    (root / "m3" / "theme" / "assets" / "m3.js").write_text("export {};\n")
    (root / "m3" / "anvil.yaml").write_text("name: m3\npackage_name: m3\n")
    return root


class Sent:
    """Stands for the outside world: keeps what would have been sent, or refuses it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refuse: Exception | None = None

    def __call__(self, kind: str, _channel: Any, message: dict[str, Any]) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.messages.append({**message, "channel": kind})


class Watch:
    """A monitor whose clock is put forward by a round's length each time."""

    def __init__(self, home: Home, now: datetime | None = None, eyes: Eyes | None = None):
        self.home = home
        self.now = now or datetime.now(UTC)
        self.sent = Sent()
        self.monitor = Monitor(home, clock=lambda: self.now, eyes=eyes, send=self.sent)

    def restart(self) -> None:
        """As when the monitor is started anew."""
        eyes = self.monitor._eyes
        self.monitor = Monitor(self.home, clock=lambda: self.now, eyes=eyes, send=self.sent)

    def round(self, after: timedelta = ROUND) -> Change:
        self.now += after
        return self.monitor.do_round()

    def open(self) -> list[Alert]:
        return read_state(self.home).open

    def wait_for(self, rule: str, instance: str | None, part: str | None = None) -> Alert:
        """The alert, which has to be there within two minutes."""
        for _round in range(FOUND_WITHIN):
            self.round()
            for alert in self.open():
                if (alert.rule, alert.instance) == (rule, instance) and part in (None, alert.part):
                    return alert
        raise AssertionError(f"not found: {rule} of {instance}; open: {self.open()}")

    def wait_until_quiet(self) -> None:
        for _round in range(OVER_WITHIN):
            self.round()
            if not self.open():
                return
        raise AssertionError(f"still open: {[alert.text for alert in self.open()]}")


class Fleet:
    """Three businesses, served by one server."""

    def __init__(self, base: Path):
        self._pause = threading.Event()
        self.home = Home.at(base)
        self.home.make()
        self.postgres = postgres.start(self.home.postgres)
        self.server = DatabaseServer(
            self.postgres.admin_url, self.postgres.host, self.postgres.port
        )
        self.port = find_free_port()
        release = publish(self.home, "v1.0.0", "First.", make_source(base / "checkout"))
        for name in NAMES:
            made = provision(self.home, self.server, name, release, title=name, port=self.port)
            made.unfinished_marker.unlink()
            # A call is cut off after a second.
            made.write_config({**made.read_config(), "downlink-worker-timeout": 2})
        self.log = (base / "server.log").open("wb")
        self.child = self.start()
        for name in NAMES:
            self.back_up(name)
        channels = {"slack": {"webhook_url": "https://hooks.slack.com/services/x"}}
        self.settings = Settings(channels=channels, limits=make_limits(LIMITS))
        write_settings(self.home, self.settings)

    def start(self) -> subprocess.Popen[bytes]:
        self.child = subprocess.Popen(
            embedded_command(self.home, self.port),
            cwd=ROOT,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        for name in NAMES:
            wait_until_served(self.folder(name), self.port, self.child, path="/_/ready")
        return self.child

    def kill(self) -> None:
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def close(self) -> None:
        stop_group(self.child)
        self.log.close()
        self.postgres.stop()
        remove_folder(self.home.releases)

    def folder(self, name: str) -> InstanceFolder:
        return find_instance(self.home, name)

    def url(self, name: str) -> str:
        return libpq_url(str(self.folder(name).read_config()["database"]))

    def back_up(self, name: str) -> Backup:
        made = make_backup(self.home, self.folder(name), self.url(name))
        folder = self.folder(name)
        folder.log("backup", id=made.id, of=made.manifest["at"], folder=str(folder.backups))
        return made

    def query(self, name: str, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(name)) as database:
            done = database.execute(statement, values)
            return done.fetchall() if done.description else []

    def administer(self, *statements: str) -> None:
        with self.server.connect() as database:
            for statement in statements:
                database.execute(statement)

    def get(self, name: str, path: str) -> int:
        """The status of an answer."""
        headers = {"host": f"{name}.localhost:{self.port}"}
        address = f"http://127.0.0.1:{self.port}/_/api{path}"
        return httpx.get(address, headers=headers, timeout=30).status_code

    def get_many(self, name: str, path: str, count: int) -> list[int]:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _n: self.get(name, path), range(count)))

    def watch(self, **options: Any) -> Watch:
        """A monitor that knows nothing yet, and has seen that all is well."""
        state_file(self.home).unlink(missing_ok=True)
        write_settings(self.home, self.settings)
        watch = Watch(self.home, **options)
        found: list[Alert] = []
        # On a machine that is busy elsewhere an answer may be late, once.
        for _round in range(3):
            watch.round()
            found = list(read_state(self.home).alerts.values())
            if not found:
                break
        assert not found, [alert.text for alert in found]
        assert not watch.sent.messages
        return watch

    def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        """Until something that was set going has happened."""
        deadline = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < deadline, f"not so: {what}"
            self._pause.wait(0.05)


@contextmanager
def serving_fleet() -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="mybizz-watched-") as name:
        fleet = Fleet(Path(name))
        try:
            yield fleet
        finally:
            fleet.close()


def rewrite_history(instance: InstanceFolder, entries: list[dict[str, Any]]) -> None:
    lines = (json.dumps(entry) + "\n" for entry in entries)
    (instance.path / "history.jsonl").write_text("".join(lines))


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    hidden = path.with_name(f".{path.name}.away")
    shutil.move(path, hidden)
    try:
        yield
    finally:
        shutil.move(hidden, path)
