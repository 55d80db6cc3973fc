"""PDFs of forms, printed by a real Chromium and read again."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pypdf
import pytest

from tests.app_server.running import Browser as Caller
from tests.app_server.running import CallFailed, RunningServer, serve_app

ANVIL_YAML = """
package_name: shop
name: Yoga Studio
runtime_options: {version: 3, server_persist: true}
startup: {type: form, module: Home}
services:
- source: /runtime/services/tables.yml
  client_config: {enable_v2: true}
- source: /runtime/services/anvil/users.yml
  client_config: {use_email: true, allow_signup: true, enable_automatically: true}
  server_config: {user_table: users}
db_schema:
  users: {title: Users, client: none, server: full, columns: []}
  lines:
    title: Lines
    client: none
    server: full
    columns:
    - {name: what, type: string}
    - {name: picture, type: media}
"""

INVOICE = """
from ._anvil_designer import InvoiceTemplate
import anvil.server
import anvil.users
from anvil import Image, Label


class Invoice(InvoiceTemplate):
    def __init__(self, rows, logo, total=0, **properties):
        self.init_components(**properties)
        self.add_component(Label(text="Invoice for " + anvil.users.get_user()["email"]))
        for row in rows:
            self.add_component(Label(text=row["what"]))
            self.add_component(Image(source=row["picture"], height=50))
        self.add_component(Image(source=logo, height=80))
        tax = anvil.server.call("tax", total)
        self.add_component(Label(text="Total %s, tax %s" % (total, tax)))
        self.add_component(Label(text=anvil.server.call("note")))
        for number in range(properties.get("tag", 0) or 0):
            self.add_component(Label(text="Line %d" % number))
"""

TEMPLATE = """
container:
  type: ColumnPanel
  properties: {}
components: []
is_package: true
"""

HOME = (
    INVOICE.split("class")[0].replace("Invoice", "Home")
    + """
class Home(HomeTemplate):
    def __init__(self, origin=False, **properties):
        self.init_components(**properties)
        if origin:
            self.add_component(Label(text="This is " + anvil.server.get_app_origin()))
            self.add_component(Label(text="A call: %s" % anvil.server.call("tax", 10)))
"""
)

FAILING = """
from ._anvil_designer import FailingTemplate


class Failing(FailingTemplate):
    def __init__(self, **properties):
        raise KeyError("the price is missing")
"""

SERVER_CODE = """
import anvil
import anvil.pdf
import anvil.server
import anvil.users
from anvil.tables import app_tables

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8"
    "cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def picture():
    return anvil.BlobMedia("image/png", PNG, name="red.png")


@anvil.server.callable
def tax(total):
    return total / 5


@anvil.server.callable
def note():
    return anvil.server.session.get("note")


@anvil.server.callable
def keep(text):
    anvil.server.session["note"] = text


@anvil.server.callable
def invoice(**options):
    if not len(app_tables.lines.search()):
        for name in ("Mat", "Block"):
            app_tables.lines.add_row(what=name, picture=picture())
    return anvil.pdf.PDFRenderer(**options).render_form(
        "Invoice", app_tables.lines.search(), picture(), total=100
    )


@anvil.server.callable
def report(form, **options):
    return anvil.pdf.PDFRenderer(**options).render_form(form)


@anvil.server.callable
def long_invoice():
    return anvil.pdf.render_form("Invoice", [], picture(), tag=200)


@anvil.server.http_endpoint("/home.pdf")
def home_as_pdf():
    return anvil.pdf.render_form("Home", origin=True)


@anvil.server.background_task
def print_later():
    anvil.server.task_state["size"] = len(anvil.pdf.render_form("Home").get_bytes())


@anvil.server.callable
def start_task():
    return anvil.server.launch_background_task("print_later").get_id()


@anvil.server.callable
def task_size(task_id):
    task = anvil.server.get_background_task(task_id)
    return task.is_running(), task.get_termination_status(), task.get_state().get("size")
"""


def form(name: str, code: str) -> dict[str, str]:
    return {
        f"client_code/{name}/__init__.py": code,
        f"client_code/{name}/form_template.yaml": TEMPLATE,
    }


FILES = {
    "server_code/main.py": SERVER_CODE,
    **form("Home", HOME),
    **form("Invoice", INVOICE),
    **form("Failing", FAILING),
}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, shared_database: str, runtime: None
) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("pdf")
    with serve_app(folder, FILES, database_url=shared_database, anvil_yaml=ANVIL_YAML) as server:
        yield server


@dataclass
class Printed:
    """A PDF as a browser gets it."""

    name: str
    content_type: str
    data: bytes

    @property
    def pdf(self) -> pypdf.PdfReader:
        return pypdf.PdfReader(io.BytesIO(self.data))


def call(browser: Caller, function: str, *args: object, **options: object) -> Printed:
    browser.call(function, *args, **options)
    [media] = browser.last["objects"]
    return Printed(media["name"], media["mime-type"], browser.media.pop(media["id"]))


def text_of(pdf: pypdf.PdfReader) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pdf.pages))


def size_in_cm(pdf: pypdf.PdfReader) -> tuple[float, float]:
    box = pdf.pages[0].mediabox
    return round(float(box.width) / 72 * 2.54, 1), round(float(box.height) / 72 * 2.54, 1)


def test_a_form_with_rows_media_and_the_caller_s_user(server: RunningServer) -> None:
    with server.browser() as browser:
        browser.call("anvil.private.users.signup_with_email", "carl@example.com", "long password")
        browser.call("keep", "a note")
        media = call(browser, "invoice", filename="invoice.pdf", page_size="A4")
    assert (media.content_type, media.name) == ("application/pdf", "invoice.pdf")
    pdf = media.pdf
    text = text_of(pdf)
    for expected in (
        "Invoice for carl@example.com",
        "Mat",
        "Block",
        "Total 100, tax 20",
        "a note",
    ):
        assert expected in text
    assert size_in_cm(pdf) == (21.0, 29.7)
    assert sum(len(page.images) for page in pdf.pages) == 3  # two of rows, and the logo


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (21.6, 27.9)),
        ({"landscape": True}, (27.9, 21.6)),
        ({"page_size": "a5", "landscape": True}, (21.0, 14.8)),
        ({"page_size": (10, 12.5), "margins": 0.5, "scale": 0.5, "quality": "screen"}, (10, 12.5)),
    ],
)
def test_sizes(server: RunningServer, options: dict, size: tuple[float, float]) -> None:
    with server.browser() as browser:
        media = call(browser, "report", "Home", **options)
    assert media.name == "print.pdf"
    assert size_in_cm(media.pdf) == size


def test_many_pages(server: RunningServer) -> None:
    with server.browser() as browser:
        browser.call("anvil.private.users.signup_with_email", "mia@example.com", "long password")
        pdf = call(browser, "long_invoice").pdf
    assert len(pdf.pages) > 3
    assert "Line 199" in text_of(pdf)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"page_size": "B7"}, "ValueError", "Unknown page size 'B7'"),
        ({"page_size": 5}, "TypeError", "page_size has to be"),
        ({"scale": 3}, "ValueError", "scale has to be between"),
        ({"margins": {"top": "wide"}}, "ValueError", "could not convert"),
        ({"quality": "best"}, "ValueError", "Invalid PDF quality 'best'"),
        ({"colour": True}, "ValueError", "Unknown option 'colour'"),
    ],
)
def test_options_that_are_none(server: RunningServer, options: dict, kind: str, text: str) -> None:
    with server.browser() as browser, pytest.raises(CallFailed, match=text) as caught:
        browser.call("report", "Home", **options)
    assert caught.value.type == kind
    assert caught.value.message.startswith("PDF generation failed")


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("Failing", "KeyError", "the price is missing"),
        ("NoSuchForm", "(ImportError|ModuleNotFoundError)", "NoSuchForm"),
        (5, "TypeError", "the name of a form"),
    ],
)
def test_a_form_that_cannot_be_opened(
    server: RunningServer, name: object, kind: str, text: str
) -> None:
    with server.browser() as browser, pytest.raises(CallFailed, match=text) as caught:
        browser.call("report", name)
    assert re.fullmatch(kind, caught.value.type)


def test_nobody_else_prints(server: RunningServer) -> None:
    with server.browser() as browser:
        for command in ("do_print", "get_component"):
            with pytest.raises(CallFailed) as caught:
                browser.call(f"anvil.private.pdf.{command}", ["x", "y"], {})
            assert caught.value.type == "anvil.server.PermissionDenied"
        with pytest.raises(CallFailed, match="from server code"):
            browser.call("anvil.private.pdf.component_to_pdf", {}, ["Home"], {})
    assert server.get("/_/print/some/key").status_code == 404


def test_in_a_background_task(server: RunningServer) -> None:
    with server.browser() as browser:
        task = browser.call("start_task")
        deadline = time.monotonic() + 60
        is_running = True
        while is_running and time.monotonic() < deadline:
            is_running, status, size = browser.call("task_size", task)
    assert (status, size > 1000) == ("completed", True)


def browsers_of(server: RunningServer) -> list[psutil.Process]:
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if "anvil-pdf-" in " ".join(child.cmdline())]


def test_browsers_end(server: RunningServer) -> None:
    with server.browser() as browser:
        browser.call("report", "Home")
    assert browsers_of(server) == []


UPLINK = """
import anvil.pdf, anvil.server
anvil.server.connect("server-key", url="ws://127.0.0.1:PORT/_/uplink", quiet=True)
print(anvil.pdf.render_form("Home").content_type)
"""


def test_from_an_uplink(
    tmp_path_factory: pytest.TempPathFactory, shared_database: str, runtime: None
) -> None:
    folder = tmp_path_factory.mktemp("uplink")
    key = "--uplink-key=server-key"
    with serve_app(
        folder, FILES, key, database_url=shared_database, anvil_yaml=ANVIL_YAML
    ) as server:
        code = UPLINK.replace("PORT", str(server.port))
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
        )
    assert done.stdout.strip() == "application/pdf", done.stderr


def test_behind_a_proxy_with_https(
    tmp_path_factory: pytest.TempPathFactory, shared_database: str, runtime: None
) -> None:
    """The page has the real address, with its cookies, although nothing there answers."""
    folder = tmp_path_factory.mktemp("https")
    origin = "--origin=https://studio.example"
    with serve_app(
        folder, FILES, origin, database_url=shared_database, anvil_yaml=ANVIL_YAML
    ) as server:
        answer = server.get("/_/api/home.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    text = text_of(pypdf.PdfReader(io.BytesIO(answer.content)))
    assert "This is https://studio.example" in text
    assert "A call: 2" in text


def test_without_a_browser_it_says_what_to_install(
    tmp_path_factory: pytest.TempPathFactory, shared_database: str
) -> None:
    folder = tmp_path_factory.mktemp("none")
    missing = "--pdf-browser=/no/such/browser"
    with (
        serve_app(
            folder, FILES, missing, database_url=shared_database, anvil_yaml=ANVIL_YAML
        ) as server,
        server.browser() as browser,
        pytest.raises(CallFailed, match="apt install chromium") as caught,
    ):
        browser.call("report", "Home")
    assert caught.value.type == "anvil.server.RuntimeUnavailableError"
