"""Answers come compressed to whoever takes that, and HEAD gets the head of what GET gets."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import brotli
import httpx
import pytest
from starlette.types import Message

from app_server.http.compression import CompressedCache, choose_coding, compressed
from app_server.limits import MAX_COMPRESSED_BYTES, MIN_COMPRESSED_BYTES
from tests.app_server.running import RunningServer, serve_app

SERVER = """
import anvil, anvil.server
from anvil.server import HttpResponse

@anvil.server.http_endpoint("/json")
def as_json(**_given):
    return [{"number": n, "name": "somebody"} for n in range(200)]

@anvil.server.http_endpoint("/text")
def as_text(size="2000"):
    return "words " * (int(size) // 6)

@anvil.server.http_endpoint("/media")
def media(kind, size="300000"):
    return anvil.BlobMedia(kind, b"abcdefgh" * (int(size) // 8))

@anvil.server.http_endpoint("/encoded")
def encoded():
    return HttpResponse(200, "words " * 500, {"Content-Encoding": "x-mine"})

@anvil.server.http_endpoint("/shared")
def shared():
    return HttpResponse(200, "words " * 500, {"Cache-Control": "public, max-age=9"})

@anvil.server.http_endpoint("/untouched")
def untouched():
    return HttpResponse(200, "words " * 500, {"Cache-Control": "no-transform", "Vary": "Origin"})

@anvil.server.http_endpoint("/empty")
def empty():
    return HttpResponse(204, "")

@anvil.server.route("/page")
def page():
    return HttpResponse(200, "<p>" + "words " * 500, {"Content-Type": "text/html"})
"""
STYLE = "p { color: red }\n" * 400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("compression")
    files: dict[str, str | bytes] = {
        "server_code/main.py": SERVER,
        "theme/assets/style.css": STYLE,
        "theme/assets/film.mp4": bytes(range(256)) * 1000,
    }
    with serve_app(folder, files) as running:
        yield running


def ask(
    server: RunningServer, path: str, encodings: str, method: str = "GET", **headers: str
) -> tuple[httpx.Response, bytes]:
    """The answer and the bytes of its body as they came."""
    given = {"Accept-Encoding": encodings, **headers}
    with server.client.stream(method, path, headers=given) as response:
        return response, b"".join(response.iter_raw())


def unpack(response: httpx.Response, body: bytes) -> bytes:
    coding = response.headers.get("content-encoding")
    return {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[coding](body)


@pytest.mark.parametrize("path", ["/_/api/json", "/_/api/text", "/page", "/_/theme/style.css"])
@pytest.mark.parametrize(
    ("encodings", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0.2, gzip;q=0.9", "gzip"),
        ("*", "br"),
        ("identity", None),
        ("gzip;q=0, br;q=0", None),
    ],
)
def test_texts_come_as_the_browser_takes_them(
    server: RunningServer, path: str, encodings: str, coding: str | None
):
    plain, whole = ask(server, path, "identity")
    response, body = ask(server, path, encodings)
    assert response.headers.get("content-encoding") == coding
    assert response.headers["vary"].lower().count("accept-encoding") == 1
    assert plain.headers["vary"].lower().count("accept-encoding") == 1
    assert int(response.headers["content-length"]) == len(body)
    assert unpack(response, body) == whole
    assert (len(body) < len(whole) / 3) == (coding is not None)


@pytest.mark.parametrize("encodings", ["br", "gzip"])
@pytest.mark.parametrize("size", ["0", "8", "300000", "4000000"])
def test_what_comes_in_pieces_is_compressed_piece_by_piece(
    server: RunningServer, encodings: str, size: str
):
    response, body = ask(server, f"/_/api/media?kind=text/csv&size={size}", encodings)
    assert response.headers["content-encoding"] == encodings
    assert "content-length" not in response.headers
    assert unpack(response, body) == b"abcdefgh" * (int(size) // 8)


@pytest.mark.parametrize(
    "path", ["/_/api/media?kind=image/png", "/_/api/encoded", "/_/api/untouched", "/_/api/empty"]
)
def test_the_rest_goes_as_it_is(server: RunningServer, path: str):
    response, _ = ask(server, path, "br, gzip")
    assert response.headers.get("content-encoding") in (None, "x-mine")
    assert "accept-encoding" not in response.headers.get("vary", "").lower()


def test_a_few_bytes_are_not_worth_it(server: RunningServer):
    path = f"/_/api/text?size={MIN_COMPRESSED_BYTES - 20}"
    response, _ = ask(server, path, "br")
    assert "content-encoding" not in response.headers
    assert response.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_page_learns_no_sizes(server: RunningServer, site: str):
    headers = {"Sec-Fetch-Site": site}
    response, _ = ask(server, "/_/api/json?word=guess", "br, gzip", **headers)
    assert response.status_code == 200 and "content-encoding" not in response.headers
    response, _ = ask(server, "/_/api/shared", "br, gzip", **headers)
    assert response.headers["content-encoding"] == "br", "the same for everybody"
    for own in ("none", "same-origin"):
        response, _ = ask(server, "/_/api/json", "br", **{"Sec-Fetch-Site": own})
        assert response.headers["content-encoding"] == "br"


def test_a_file_that_is_known_already_is_not_sent_again(server: RunningServer):
    first, _ = ask(server, "/_/theme/style.css", "br")
    tag = first.headers["etag"]
    assert tag.startswith('W/"'), "the strong one names the bytes that are not compressed"
    again, body = ask(server, "/_/theme/style.css", "br", **{"If-None-Match": tag})
    assert (again.status_code, body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/page",
        "/nowhere",
        "/_/api/json",
        "/_/api/empty",
        "/_/api/media?kind=text/csv",
        "/_/api/media?kind=image/png",
        "/_/theme/style.css",
        "/_/theme/film.mp4",
        "/_/theme/none.css",
        "/_/manifest.json",
        "/_/health",
        "/_/check-app-online",
        "/_/nothing",
        "/_/lm/a/b/c/d",
        "/_/request_cookies",
    ],
)
@pytest.mark.parametrize("encodings", ["identity", "br"])
def test_head_gets_the_head_of_get(server: RunningServer, path: str, encodings: str):
    got, whole = ask(server, path, encodings)
    head, body = ask(server, path, encodings, "HEAD")
    assert body == b"" and head.status_code == got.status_code
    same = ("content-type", "content-length", "content-encoding", "etag", "vary", "cache-control")
    assert [head.headers.get(name) for name in same] == [got.headers.get(name) for name in same]
    assert got.status_code != 500 and (whole != b"" or got.status_code in (204, 200))


@pytest.mark.parametrize(
    ("wanted", "status", "start", "end"),
    [
        ("bytes=0-99", 206, 0, 100),
        ("bytes=255000-", 206, 255000, 256000),
        ("bytes=-10", 206, 255990, 256000),
        ("bytes=300000-", 416, 0, 0),
    ],
)
def test_films_can_be_asked_for_in_parts(
    server: RunningServer, wanted: str, status: int, start: int, end: int
):
    whole = bytes(range(256)) * 1000
    response, body = ask(server, "/_/theme/film.mp4", "br", Range=wanted)
    assert response.status_code == status
    if status == 206:
        assert body == whole[start:end]
        assert response.headers["content-range"] == f"bytes {start}-{end - 1}/256000"
    else:
        assert response.headers["content-range"].endswith("*/256000")
    response, _ = ask(server, "/_/theme/film.mp4", "br")
    assert response.headers["accept-ranges"] == "bytes"


def test_parts_of_texts_are_parts_of_the_uncompressed(server: RunningServer):
    response, body = ask(server, "/_/theme/style.css", "br", Range="bytes=0-9")
    assert (response.status_code, body) == (206, STYLE.encode()[:10])
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", None),
        ("br;q=x, gzip;q=x", None),
        ("gzip;q=0.5, *;q=0.7", "br"),
        ("BR", "br"),
        (",;,=;q=,", None),
        ("x" * 100_000, None),
    ],
)
def test_any_accept_encoding_is_understood(header: str, coding: str | None):
    assert choose_coding(header) == coding


async def send_whole(body: bytes, encodings: bytes) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Any = {"type": "http", "headers": [(b"accept-encoding", encodings)], "path": "/"}
    through = compressed(scope, send)
    start: Message = {"type": "http.response.start", "status": 200}
    await through({**start, "headers": [(b"content-type", b"text/plain")]})
    await through({"type": "http.response.body", "body": body})
    return sent


async def test_what_is_huge_goes_as_it_is():
    body = b"x" * (MAX_COMPRESSED_BYTES + 1)
    start, rest = await send_whole(body, b"gzip")
    assert rest["body"] is body
    assert all(name != b"content-encoding" for name, _ in start["headers"])
    _, rest = await send_whole(body[:-1], b"gzip")
    assert zlib.decompress(rest["body"], 31) == body[:-1]


def test_the_cache_forgets_what_was_not_asked_for_longest():
    cache = CompressedCache(100)
    for name in ("a", "b", "c"):
        cache.put((name,), b"x" * 40)
        cache.get(("a",))
    assert cache.get(("a",)) and cache.get(("c",)) and cache.get(("b",)) is None
    cache.put(("d",), b"x" * 101)
    assert cache.get(("d",)) is None
