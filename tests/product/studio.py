"""A tenant's instance in a process of its own, and the people who use it.

The cast: olga (owner), mia (manager), sam (staff), carl (customer).
"""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default as default_policy
from pathlib import Path
from typing import Any

import psycopg
import yaml
from websockets.sync.client import connect

from tests.app_server.running import Browser, RunningServer, start_server

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
DOMAIN = "yogastudio.example"
UPLINK_KEY = "server_test_key"
CLIENT_UPLINK_KEY = "client_test_key"
TEMPLATE_ID = "MYBIZZTEMPLATE01"
M3_ID = "4UK6WHQ6UX7AKELK"

# Keys as scripts/provision makes them, but known.
FIELD_KEYS = [base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2, 3)]
SEARCH_KEY = base64.urlsafe_b64encode(b"s" * 32).decode()
SECRETS = {"field_encryption_keys": FIELD_KEYS[0], "search_hash_key": SEARCH_KEY}

BUSINESS = {
    "business_name": "Sunrise Yoga",
    "time_zone": "Africa/Johannesburg",
    "currency": "ZAR",
    "locale": "en-ZA",
    "country": "ZA",
}


class Refused(Exception):
    """An envelope that says no."""

    def __init__(self, answer: dict[str, Any]):
        super().__init__(f"{answer.get('code')}: {answer.get('error')}")
        self.code = answer["code"]
        self.answer = answer
        self.fields: dict[str, str] = answer.get("fields", {})


class Caller:
    """Calls our callables over a socket; an envelope that refuses raises ``Refused``."""

    def __init__(self, socket: Browser):
        self.socket = socket

    def answer(self, name: str, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The envelope as it came."""
        answer: dict[str, Any] = self.socket.call(name, *args, **kwargs)
        return answer

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        answer = self.answer(name, *args, **kwargs)
        if not answer["success"]:
            raise Refused(answer)
        return answer


class Studio:
    """A running instance."""

    def __init__(self, server: RunningServer, database_url: str, data: Path):
        self.server = server
        self.database_url = database_url
        self.data = data

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def uplink_url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}/_/uplink"

    @property
    def config_file(self) -> Path:
        return self.data.parent / "instance.yaml"

    def reload(self) -> None:
        """Have the server read its configuration anew. It does that soon, not at once."""
        self.server.process.send_signal(signal.SIGHUP)

    @contextmanager
    def uplink(self, key: str = UPLINK_KEY) -> Iterator[Caller]:
        """An uplink script, trusted or (with the other key) not."""
        with connect(self.uplink_url, max_size=None) as socket:
            socket.send(json.dumps({"key": key, "v": 8}))
            answer = json.loads(socket.recv(timeout=30))
            assert answer.get("auth") == "OK", answer
            yield Caller(Browser(socket))

    @contextmanager
    def person(self, name: str | None = None) -> Iterator[Caller]:
        """Someone at a browser of their own: logged in by name, or nobody."""
        self.server.client.cookies.clear()
        with self.server.browser() as browser:
            caller = Caller(browser)
            if name is not None:
                caller.call("log_in", f"{name}@{DOMAIN}", PASSWORD)
            yield caller

    def link_in_mail(self, address: str) -> str:
        """The address that the newest message to someone asks them to open, once all are out."""
        from tests.product.mailbox import deliver_mail  # which is about studios itself

        deliver_mail(self)
        for file in sorted((self.data / "outbox").glob("*.eml"), reverse=True):
            message = message_from_bytes(file.read_bytes(), policy=default_policy)
            body = message.get_body(("html",))
            if message["to"] == address and body is not None:
                found = re.search(r'href="([^"]+)"', body.get_content())
                assert found, f"{file.name} has no link"
                return html.unescape(found.group(1))
        raise AssertionError(f"no message to {address}")

    def do_job(self, name: str) -> dict[str, Any]:
        """Do a piece of scheduled work now: ``state``, ``figures`` and ``error`` of its run."""
        with self.uplink() as script:
            [run] = script.call("run_schedule_now", job=name)["runs"]
        return dict(run)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database says, behind the server's back."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def set_up(self, *, sample_data: bool) -> None:
        """Settings, olga, and with sample data everyone else and about 60 contacts."""
        with self.uplink() as script:
            script.call(
                "set_up_instance",
                business=BUSINESS,
                owner={
                    "email": f"olga@{DOMAIN}",
                    "password": PASSWORD,
                    "first_name": "Olga",
                    "last_name": "Naidoo",
                },
                features={"bookings": True, "marketing": True},
            )
            if sample_data:
                script.call("fill_sample_data", password=PASSWORD, domain=DOMAIN)
            else:
                for name, role in (("mia", "manager"), ("sam", "staff"), ("carl", "customer")):
                    script.call(
                        "add_staff_user",
                        email=f"{name}@{DOMAIN}",
                        password=PASSWORD,
                        first_name=name.title(),
                        last_name="Tester",
                        role=role,
                    )


def write_instance(folder: Path, template: Path = ROOT / "master_template") -> Path:
    """An instance's app folder beside its dependencies, as provisioning makes it."""
    given = yaml.safe_load((template / "anvil.yaml").read_text())
    app = folder / "client_test"
    app.mkdir(parents=True)
    dependencies = [
        {
            "dep_id": dep_id,
            "app_id": dep_id,
            "version": {"dev": True},
            "resolution_hints": {"package_name": package},
        }
        for dep_id, package in ((TEMPLATE_ID, "master_template"), (M3_ID, "m3"))
    ]
    manifest = {
        "name": "client_test",
        "package_name": "client_test",
        "runtime_options": given["runtime_options"],
        "metadata": given["metadata"],
        "dependencies": dependencies,
        "services": given["services"],
        "scheduled_tasks": given["scheduled_tasks"],
        "db_schema": given["db_schema"],
    }
    (app / "anvil.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    (app / "__init__.py").write_text("")
    config = {"uplink-key": UPLINK_KEY, "client-uplink-key": CLIENT_UPLINK_KEY, "secret": SECRETS}
    (folder / "instance.yaml").write_text(yaml.safe_dump(config))
    (folder / "data").mkdir()
    (folder / "m3").symlink_to(ROOT / "m3")
    (folder / "master_template").symlink_to(template)
    return app


def serve_instance(folder: Path, database_url: str) -> RunningServer:
    """A server for what ``write_instance`` wrote."""
    return start_server(
        [
            f"--app={folder / 'client_test'}",
            f"--dep-id={TEMPLATE_ID}=master_template",
            f"--dep-id={M3_ID}=m3",
            f"--database={database_url}",
            f"--data-dir={folder / 'data'}",
            f"--config-file={folder / 'instance.yaml'}",
        ],
        cwd=folder,
    )


@contextmanager
def open_studio(
    folder: Path,
    database_url: str,
    *,
    sample_data: bool = False,
    template: Path = ROOT / "master_template",
) -> Iterator[Studio]:
    """Serve an instance that is set up, until the block ends."""
    write_instance(folder, template)
    server = serve_instance(folder, database_url)
    studio = Studio(server, database_url, folder / "data")
    try:
        studio.set_up(sample_data=sample_data)
        yield studio
    finally:
        studio.server.stop()


def copy_template(folder: Path, changes: dict[str, list[tuple[str, str]]]) -> Path:
    """A copy of the template with some of its code changed: a guard switched off.

    ``changes`` maps a file to (what stands there, what shall); each must be found.
    """
    copy = folder / "changed" / "master_template"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "master_template", copy, ignore=ignored)
    for name, edits in changes.items():
        file = copy / name
        text = file.read_text()
        for before, after in edits:
            assert before in text, f"{name} has no {before!r}"
            text = text.replace(before, after)
        file.write_text(text)
    return copy
