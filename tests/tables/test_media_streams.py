"""Media of tables over HTTP: pieces of them, and large ones that nobody has in memory whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from tests.app_server.running import Browser, RunningServer, serve_app

ANVIL_YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
services:
  - {source: /runtime/services/tables.yml, client_config: {enable_v2: true}}
db_schema:
  files:
    title: Files
    client: full
    server: full
    columns:
      - {name: label, type: string}
      - {name: content, type: media}
"""

CODE = """
import anvil.server
from anvil.tables import app_tables


@anvil.server.callable
def keep(label, media):
    return app_tables.files.add_row(label=label, content=media)["content"].length


@anvil.server.callable
def address(label):
    return app_tables.files.get(label=label)["content"].get_url(False)


@anvil.server.callable
def checksum(label):
    import hashlib
    return hashlib.sha256(app_tables.files.get(label=label)["content"].get_bytes()).hexdigest()


@anvil.server.callable
def forget(label):
    app_tables.files.get(label=label).delete()


@anvil.server.callable
def fill(count):
    for start in range(0, count, 5000):
        numbers = range(start, start + 5000)
        app_tables.files.add_rows({"label": f"row {n} " + "x" * 90} for n in numbers)


@anvil.server.callable
def fill_large(count):
    app_tables.files.delete_all_rows()
    for n in range(count):
        app_tables.files.add_row(label="x" * 400_000)


@anvil.server.callable
def csv_address():
    return app_tables.files.to_csv().get_url(True)
"""

MIB = 1024 * 1024
CHUNK = 64 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[RunningServer]:
    name = "media_streams"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    url = psycopg.conninfo.make_conninfo(postgres_url, dbname=name)
    files: dict[str, str | bytes] = {"server_code/main.py": CODE}
    folder = tmp_path_factory.mktemp("files")
    with serve_app(folder, files, database_url=url, anvil_yaml=ANVIL_YAML) as running:
        yield running
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    with server.browser() as opened:
        yield opened


def bytes_of(size: int) -> bytes:
    """Bytes of which no two pieces are alike."""
    block = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(2048))
    return (block * (size // len(block) + 1))[:size]


def upload(browser: Browser, function: dict[str, str], args: list[Any], data: bytes) -> Any:
    """Call with ``data`` as the media object that stands last in ``args``."""
    chunks = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)] or [b""]
    described = {"type": ["DataMedia"], "id": "m", "mime-type": "text/plain", "name": "a.txt"}
    path = ["args", len(args)]
    objects = [{**described, "path": path}]
    return browser.send_call(function, [*args, None], {}, objects, {"m": chunks})


def keep(browser: Browser, label: str, data: bytes) -> str:
    """Store ``data``; answers its address for this session."""
    assert upload(browser, {"command": "keep"}, [label], data) == len(data)
    return str(browser.call("address", label))


def get(server: RunningServer, address: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.get(address.removeprefix(server.url), headers=named)


DATA = bytes_of(2 * MIB + 300_000)


@pytest.fixture
def address(browser: Browser) -> Iterator[str]:
    yield keep(browser, "part", DATA)
    browser.call("forget", "part")


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        (f"bytes={MIB - 5}-{MIB + 4}", MIB - 5, MIB + 5),  # across two pieces
        (f"bytes=1000-{2 * MIB + 7}", 1000, 2 * MIB + 8),  # across three
        ("bytes=2000000-", 2_000_000, len(DATA)),
        ("bytes=-10", len(DATA) - 10, len(DATA)),
        ("bytes=5-99999999", 5, len(DATA)),
    ],
)
def test_a_range_comes_alone(
    server: RunningServer, address: str, wanted: str, start: int, end: int
) -> None:
    response = get(server, address, Range=wanted)
    assert response.status_code == 206
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert response.headers["content-length"] == str(end - start)
    assert response.content == DATA[start:end]


@pytest.mark.parametrize("wanted", [f"bytes={len(DATA)}-", "bytes=99999999-", "bytes=-0"])
def test_a_range_outside_is_refused(server: RunningServer, address: str, wanted: str) -> None:
    response = get(server, address, Range=wanted)
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(DATA)}"
    assert response.content == b""


@pytest.mark.parametrize("wanted", ["", "bytes=9-3", "lines=1-2", "bytes=0-1,5-6", "bytes=x-"])
def test_what_is_no_single_range_gets_the_whole(
    server: RunningServer, address: str, wanted: str
) -> None:
    response = get(server, address, Range=wanted) if wanted else get(server, address)
    assert response.status_code == 200
    assert response.headers["accept-ranges"] == "bytes"
    assert response.content == DATA


def test_a_range_of_something_else_gets_the_whole(server: RunningServer, address: str) -> None:
    # Compressed, it would have a weak tag, which is no good for ranges.
    tag = get(server, address, Accept_Encoding="identity").headers["etag"]
    same = get(server, address, Range="bytes=0-9", If_Range=tag)
    assert (same.status_code, same.content) == (206, DATA[:10])
    other = get(server, address, Range="bytes=0-9", If_Range='"another"')
    assert (other.status_code, len(other.content)) == (200, len(DATA))


def test_what_the_visitor_has_is_not_sent_again(
    server: RunningServer, browser: Browser, address: str
) -> None:
    tag = get(server, address).headers["etag"]
    again = get(server, address, If_None_Match=f'"x", {tag}')
    assert (again.status_code, again.content) == (304, b"")
    changed = keep(browser, "other", b"other")
    assert get(server, changed, If_None_Match=tag).content == b"other"
    browser.call("forget", "other")


def test_head_tells_the_size_and_sends_nothing(server: RunningServer, address: str) -> None:
    response = server.client.head(address.removeprefix(server.url))
    assert response.status_code == 200
    assert response.headers["content-length"] == str(len(DATA))
    assert response.content == b""


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB])
def test_any_size_comes_back_as_it_was(server: RunningServer, browser: Browser, size: int) -> None:
    data = bytes_of(size)
    address = keep(browser, f"size {size}", data)
    assert get(server, address).content == data
    assert browser.call("checksum", f"size {size}") == hashlib.sha256(data).hexdigest()
    browser.call("forget", f"size {size}")


def test_deleted_media_leave_no_piece_behind(
    server: RunningServer, browser: Browser, postgres_url: str
) -> None:
    address = keep(browser, "gone", DATA)
    browser.call("forget", "gone")
    response = get(server, address)
    assert response.status_code == 500
    assert "Media object deleted" in response.text
    url = psycopg.conninfo.make_conninfo(postgres_url, dbname="media_streams")
    with psycopg.connect(url) as connection:
        for table in ("media", "media_pieces"):
            count = connection.execute(f"SELECT count(*) FROM _mybizz.{table}".encode()).fetchone()
            assert count == (0,)


def peak_mb(server: RunningServer) -> float:
    """The most memory that the server ever had."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def test_a_large_upload_and_its_download_take_little_memory(
    server: RunningServer, browser: Browser
) -> None:
    """From a browser straight into a table, and back in a slow reader's steps."""
    tables = browser.call("anvil.private.tables.v2.get_app_tables")
    assert tables["files"]
    [capability] = [o for o in browser.last["objects"] if o["path"][1:] == ["files", 0]]
    size = 60 * MIB
    data = bytes_of(size)
    browser.call("anvil.private.echo", 1)
    before = memory_mb(server)
    chunks = [data[i : i + CHUNK] for i in range(0, size, CHUNK)]
    described = {"type": ["DataMedia"], "id": "m", "mime-type": "text/plain", "name": "big"}
    browser.send_call(
        {"command": "anvil.private.tables.v2.table.add_row"},
        [None, {"label": "big", "content": None}],
        {},
        [{**capability, "path": ["args", 0]}, {**described, "path": ["args", 1, "content"]}],
        {"m": chunks},
    )
    address = str(browser.call("address", "big"))
    digest, received = hashlib.sha256(), 0
    with server.client.stream("GET", address.removeprefix(server.url)) as response:
        for piece in response.iter_bytes(MIB):
            digest.update(piece)
            received += len(piece)
            assert memory_mb(server) - before < 40
    assert received == size
    assert digest.digest() == hashlib.sha256(data).digest()
    assert peak_mb(server) - before < 40
    browser.call("forget", "big")


def memory_mb(server: RunningServer) -> float:
    return float(psutil.Process(server.process.pid).memory_info().rss) / MIB


def test_a_long_table_as_csv_takes_little_memory(server: RunningServer, browser: Browser) -> None:
    browser.call("fill", 50_000)
    address = str(browser.call("csv_address"))
    before, lines = memory_mb(server), 0
    with server.client.stream("GET", address.removeprefix(server.url)) as response:
        assert response.status_code == 200
        assert response.headers["accept-ranges"] == "none"
        assert "content-length" not in response.headers
        for line in response.iter_lines():
            lines += 1
            assert lines == 1 or line.startswith('"[')
    assert lines == 50_001
    assert memory_mb(server) - before < 15


def test_a_table_of_large_rows_as_csv(server: RunningServer, browser: Browser) -> None:
    """Rows that together are more than may be read at once."""
    browser.call("fill_large", 40)
    text = get(server, str(browser.call("csv_address"))).text
    assert text.count("\n") == 40
    assert len(text) > 40 * 400_000
