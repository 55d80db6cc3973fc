"""The browser that prints: what it waits for, and how it ends."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any

import psutil
import pypdf
import pytest

from app_server.errors import AnvilError
from app_server.pdf import browser, render
from app_server.pdf.devtools import BrowserError
from app_server.pdf.options import PAGE_SIZES, read_options
from app_server.pdf.render import render_page

UNAVAILABLE = "anvil.server.RuntimeUnavailableError"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8"
    "cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
READY = "<script>performance.mark('anvil-form')</script>"


class Site:
    """Pages by path. ``/slow.png`` comes when ``release`` is set."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        self.was_asked = asyncio.Event()
        self.release = asyncio.Event()
        self.url = ""
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        except asyncio.IncompleteReadError:  # a browser that was ended
            writer.close()
            return
        self.asked.append(path)
        kind, body = "text/html", self.pages.get(path, "").encode()
        if path == "/slow.png":
            self.was_asked.set()
            await self.release.wait()
            kind, body = "image/png", PNG
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(render, "_places", None)  # of another test's loop
    site = Site()
    await site.start()
    yield site
    site.stop()
    assert printing_browsers() == []


def printing_browsers() -> list[psutil.Process]:
    mine = psutil.Process().children(recursive=True)
    return [one for one in mine if "anvil-pdf-" in " ".join(one.cmdline())]


async def print_page(site: Site, html: str, **options: Any) -> pypdf.PdfReader:
    site.pages["/page"] = html
    given = {"program": None, "seconds": 30.0, **options}
    pdf = await render_page(f"{site.url}/page", [], read_options({}), **given)
    return pypdf.PdfReader(io.BytesIO(pdf))


@contextmanager
def refused(kind: str, text: str = ""):
    with pytest.raises(AnvilError, match=text) as caught:
        yield
    assert caught.value.type_name == kind


async def test_it_waits_for_images(site: Site) -> None:
    html = f"<p>Hello</p><img src='/slow.png' loading='lazy' width=50>{READY}"
    printing = asyncio.create_task(print_page(site, html))
    await asyncio.wait_for(site.was_asked.wait(), 30)
    site.release.set()
    page = (await printing).pages[0]
    assert "Hello" in page.extract_text()
    assert len(page.images) == 1


async def test_an_image_that_is_none_is_left_out(site: Site) -> None:
    assert (await print_page(site, f"<p>Hello</p><img src='/none.png'>{READY}")).pages


class Tools:
    """A browser whose page does what the test says: ``marks`` are set, files never come."""

    def __init__(self, page: Any, *marks: str):
        self._page, self._marks = page, marks
        self.session_id: str | None = None

    async def call(self, method: str, **_parameters: Any) -> dict[str, Any]:
        if method == "Page.navigate":
            for mark in self._marks:
                self._page.take_event("Runtime.bindingCalled", {"payload": mark})
        return {"targetId": "t", "sessionId": "s"}

    async def evaluate(self, _expression: str) -> Any:
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("marks", "missing"),
    [((), "The form did not open"), (("anvil-form",), "Images, fonts or other files did not load")],
)
async def test_what_is_missing_when_time_is_up(marks: tuple[str, ...], missing: str) -> None:
    page = render._Page("http://x.example")
    tools: Any = Tools(page, *marks)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await page.print(tools, {})
    assert page.missing == missing


@pytest.mark.parametrize("event", ["ended", "Inspector.targetCrashed"])
@pytest.mark.parametrize("marks", [(), ("anvil-form",)])
async def test_a_browser_that_ends_is_not_waited_for(event: str, marks: tuple[str, ...]) -> None:
    page = render._Page("http://x.example")
    tools: Any = Tools(page, *marks)

    async def evaluate(_expression: str) -> None:
        page.take_event("Network.requestWillBeSent", {"requestId": "1"})

    tools.evaluate = evaluate
    printing = asyncio.create_task(page.print(tools, {}))
    waits_for = "Images" if marks else "The form did not open"
    while not page.missing.startswith(waits_for):
        await asyncio.sleep(0)
    page.take_event(event, {})
    with pytest.raises(BrowserError):
        await asyncio.wait_for(printing, 10)


async def test_a_time_out(site: Site) -> None:
    with refused("anvil.server.TimeoutError", "within 0.5 seconds"):
        await print_page(site, "<p>Hello</p>", seconds=0.5)


async def test_a_page_that_fails_without_a_word(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "ERROR_SECONDS", 0.1)
    with refused("anvil.server.InternalError", "could not be opened"):
        await print_page(site, "<script>performance.mark('anvil-failed')</script>")


async def test_dialogs_are_closed(site: Site) -> None:
    html = f"<script>alert('Hello'); document.title = confirm('?')</script><p>Hi</p>{READY}"
    assert "Hi" in (await print_page(site, html)).pages[0].extract_text()


async def test_nobody_answers(site: Site) -> None:
    with refused("anvil.server.InternalError", "could not be loaded"):
        await render_page("http://127.0.0.1:1/", [], read_options({}), program=None, seconds=30.0)


async def test_one_that_takes_too_much_memory_is_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "MAX_PDF_MEMORY_BYTES", 10 * 1024 * 1024)
    with refused(UNAVAILABLE, "the browser ended"):
        await print_page(site, "<p>Hello</p>")


async def test_two_at_a_time_and_no_endless_queue(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "MAX_PDF_BROWSERS", 1)
    monkeypatch.setattr(render, "MAX_PDF_WAITING", 1)
    html = f"<img src='/slow.png'>{READY}"
    first = asyncio.create_task(print_page(site, html))
    await asyncio.wait_for(site.was_asked.wait(), 30)
    second = asyncio.create_task(print_page(site, html))
    await asyncio.sleep(0)
    with refused(UNAVAILABLE, "too many"):
        await print_page(site, html)
    assert len(site.asked) == 2  # of the first only
    site.release.set()
    for printing in (first, second):
        assert (await printing).pages


async def test_a_caller_that_goes_away_takes_the_browser_along(site: Site) -> None:
    printing = asyncio.create_task(print_page(site, f"<img src='/slow.png'>{READY}"))
    await asyncio.wait_for(site.was_asked.wait(), 30)
    assert printing_browsers()
    printing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await printing
    assert printing_browsers() == []
    site.release.set()


async def test_a_program_that_is_no_browser(site: Site) -> None:
    with refused(UNAVAILABLE, "did not start"):
        await print_page(site, READY, program="/bin/false")
    with refused(UNAVAILABLE, "pdf-browser"):
        await print_page(site, READY, program="/no/such/browser")


def test_sizes_are_those_of_the_standard() -> None:
    """ISO 216: each has half of the area of the one before; width to height is 1 to root 2."""
    for number in range(11):
        width, height = PAGE_SIZES[f"A{number}"]
        assert height / width == pytest.approx(2**0.5, rel=0.02)
        assert width * height == pytest.approx(10_000 / 2**number, rel=0.02)
