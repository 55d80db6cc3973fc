"""Two whole tenants, provisioned as an operator would: what is one's is no other's."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser as ChromiumBrowser
from playwright.sync_api import Page

from scripts.operations.backups import make_backup
from scripts.operations.fingerprints import read_fingerprints
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.postgres import database_server
from scripts.operations.provision import pinned_release
from scripts.operations.releases import remove_folder
from scripts.operations.serving import find_free_port
from scripts.operations.setup import read_log_ins
from scripts.operations.upgrading import rehearse
from scripts.operations.upgrading.trying import read_checks
from tests.app_server.running import Browser, CallFailed, open_socket
from tests.scripts.calling import ask
from tests.scripts.running import ROOT, Run

pytestmark = pytest.mark.timeout(300)


@dataclass
class Tenant:
    """One provisioned business and the log-in of its owner."""

    instance: InstanceFolder
    port: int

    @property
    def host(self) -> str:
        return f"{self.instance.name}.localhost"

    @property
    def owner(self) -> dict[str, str]:
        return read_log_ins(self.instance)[0]

    def database(self) -> psycopg.Connection[Any]:
        return psycopg.connect(str(self.instance.read_config()["database"]).removeprefix("jdbc:"))

    def count_contacts(self, email: str) -> int:
        with self.database() as connection:
            row = connection.execute(
                "SELECT count(*) FROM app.contacts WHERE email = %s", (email,)
            ).fetchone()
        assert row
        return int(row[0])

    def cookies(self) -> dict[str, str]:
        """The cookies of a browser in which this tenant's owner is logged in."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60) as client:
            host = {"Host": f"{self.host}:{self.port}"}
            client.get("/app", headers=host)
            with self.socket(_read_cookies(client)) as connection:
                browser = Browser(connection)
                # A log-in gives a new cookie, which a page fetches with the ticket it is told.
                browser.fetch_cookies = lambda ticket: client.post(
                    "/_/request_cookies",
                    headers=host | ({"X-Anvil-Ticket": ticket} if isinstance(ticket, str) else {}),
                )
                answer = browser.call("log_in", **self.log_in_arguments())
                browser.call("list_contacts", query={})
            assert answer["success"], answer
            return _read_cookies(client)

    def log_in_arguments(self) -> dict[str, str]:
        return {"email": self.owner["email"], "password": self.owner["password"]}

    def socket(self, cookies: dict[str, str]):
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return open_socket(self.port, "/_/ws", self.host, {"Cookie": header})


def _read_cookies(client: httpx.Client) -> dict[str, str]:
    return {cookie.name: str(cookie.value) for cookie in client.cookies.jar}


@pytest.fixture(scope="module")
def tenants() -> Iterator[tuple[Tenant, Tenant]]:
    """The yoga studio, and an inn provisioned beside it while it is being served."""
    with tempfile.TemporaryDirectory(prefix="mybizz-tenants-") as name:
        base, port = Path(name), find_free_port()
        run = Run(base, port).wait_until_ready()
        try:
            subprocess.run(
                [
                    *(sys.executable, "-m", "scripts.commands.mybizz", "instance", "create"),
                    "sea-view-inn",
                    *("--title", "Sea View Inn", "--owner", "zoe@seaview.example"),
                    "--with-log-ins",
                    *("--owner-name", "Zoe Adams", "--data-dir", name, "--port", str(port)),
                ],
                cwd=ROOT,
                check=True,
                timeout=120,
            )
            studio, inn = (
                Tenant(find_instance(run.home, tenant), port)
                for tenant in ("yogastudio", "sea-view-inn")
            )
            yield studio, inn
        finally:
            run.stop()
            remove_folder(base / "releases")


@pytest.fixture
def page(chromium: ChromiumBrowser) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def log_in(page: Page, tenant: Tenant, path: str) -> None:
    page.goto(f"http://{tenant.host}:{tenant.port}{path}")
    page.get_by_label("E-mail").fill(tenant.owner["email"])
    page.get_by_label("Password").fill(tenant.owner["password"])
    page.get_by_role("button", name="Log in").click()


def test_a_contact_made_in_the_browser_is_in_one_database_only(
    tenants: tuple[Tenant, Tenant], page: Page
):
    studio, inn = tenants
    log_in(page, studio, "/app/contacts/new")
    page.get_by_label("First name").fill("Amahle")
    page.get_by_label("Last name").fill("Khumalo")
    page.get_by_label("E-mail").first.fill("amahle@khumalo.example")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/app/contacts/C-*")

    assert studio.count_contacts("amahle@khumalo.example") == 1
    assert inn.count_contacts("amahle@khumalo.example") == 0


def test_a_log_in_of_one_is_unknown_to_the_other(tenants: tuple[Tenant, Tenant]):
    studio, inn = tenants
    with inn.socket({}) as connection:
        browser = Browser(connection)
        browser.call("anvil.private.reset_session")
        answer = browser.call("log_in", **studio.log_in_arguments())
        assert not answer["success"]
        # The same socket does let the tenant's own owner in.
        assert browser.call("log_in", **inn.log_in_arguments())["success"]


def test_a_session_cookie_of_one_opens_nothing_of_the_other(tenants: tuple[Tenant, Tenant]):
    studio, inn = tenants
    cookies = studio.cookies()
    with studio.socket(cookies) as connection:
        assert Browser(connection).call("list_contacts", query={})["success"]

    with inn.socket(cookies) as connection, pytest.raises(CallFailed):
        answer = Browser(connection).call("list_contacts", query={})
        assert not answer["success"]
        raise CallFailed({"type": "refused", "message": answer["error"]})


def test_a_row_capability_of_one_opens_nothing_of_the_other(tenants: tuple[Tenant, Tenant]):
    studio, inn = tenants
    with studio.socket(studio.cookies()) as connection:
        browser = Browser(connection)
        browser.call("anvil.private.users.get_current_user")
        found = [o for o in browser.last["objects"] if "Capability" in o["type"]]
    assert found, "the browser got no row to try"
    stolen = {"type": ["Capability"], "scope": found[0]["scope"], "mac": found[0]["mac"]}

    with inn.socket(inn.cookies()) as connection, pytest.raises(CallFailed) as refusal:
        Browser(connection).send_call(
            {"command": "anvil.private.tables.v2.row.fetch"},
            [None, None],
            objects=[{**stolen, "path": ["args", 0]}],
        )
    assert refusal.value.type == "anvil.server.InvalidObjectError"


@pytest.mark.parametrize("key", ["uplink-key", "client-uplink-key"])
def test_an_uplink_key_of_one_opens_nothing_of_the_other(tenants: tuple[Tenant, Tenant], key: str):
    studio, inn = tenants
    stolen = studio.instance.read_config()[key]
    answers = {}
    for tenant in (studio, inn):
        with open_socket(tenant.port, "/_/uplink", tenant.host) as connection:
            connection.send(json.dumps({"key": stolen, "v": 8}))
            answers[tenant.host] = json.loads(connection.recv(timeout=20))
    assert answers[studio.host].get("auth") == "OK"
    assert "error" in answers[inn.host] and "auth" not in answers[inn.host]


def test_a_release_is_tried_on_a_copy_of_a_real_business(tenants: tuple[Tenant, Tenant]):
    """The owner logs in there and uses it; the business itself sees nothing of that."""
    inn = tenants[1].instance
    home = Home.at(inn.path.parents[1])
    with database_server(home, None) as server:
        backup = make_backup(home, inn, server.url(inn.database_name))
        release = pinned_release(home, inn)
        done = rehearse(home, server, inn, backup, release, allow_data_loss=False)
        with server.connect(inn.database_name) as connection:
            after = read_fingerprints(connection)
    assert done == ["/app 200", "/ 200", "log_in", "get_dashboard", "list_contacts"]
    # Numbers of earlier calls may be written down meanwhile; what a log-in leaves is here.
    seen = ("app.users", "app.audit_log", "app.outbox", "app.contacts")
    assert [backup.fingerprints[table] for table in seen] == [after[table] for table in seen]
    assert {check["name"] for check in read_checks(release)} == set(done[3:])


def test_a_copy_for_staging_lets_its_owner_in_and_shows_other_people(
    tenants: tuple[Tenant, Tenant], page: Page
):
    studio, _inn = tenants
    base = studio.instance.path.parent.parent
    with studio.database() as connection:
        found = connection.execute("SELECT email, phone FROM app.contacts").fetchall()
    real = {str(each) for row in found for each in row if each}

    made = ask("instance", "clone", "yogastudio", "studio-staging", data_dir=base)

    page.goto(made["owner_link"]["url"])
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Open the business").click()
    page.get_by_role("link", name="Contacts", exact=True).click()
    page.get_by_text("@example.com").first.wait_for()
    shown = page.inner_text("main")
    assert not [each for each in real if each in shown]
    copy = Tenant(find_instance(Home.at(base), "studio-staging"), studio.port)
    with copy.database() as connection:
        rows = connection.execute("SELECT email, phone FROM app.contacts").fetchall()
    assert len(rows) == len(found)
    assert not real & {str(each) for row in rows for each in row}
