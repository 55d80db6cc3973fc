"""What a person's browser takes: the first form cold and warm, on this machine and a weak phone;
bytes; calls and rows from an open page.

A visit begins with the request for the page and ends when the first form has been painted. Cold is
the first visit of a browser that knows nothing; warm are later ones, each in a new tab. The weak
phone is Chromium with its processor slowed down four times, 9 Mbit/s and 60 ms to the server.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from scripts.benchmarks.figures import Figure
from scripts.benchmarks.product import product_server
from scripts.benchmarks.relay import Relay, relay
from scripts.benchmarks.running import BenchmarkError, BenchServer
from scripts.commands.test import find_chromium

COLD_VISITS = 5
WARM_VISITS = 3
CALLS = 200
ROW_READS = 100
SIZES = {False: {"width": 1280, "height": 800}, True: {"width": 390, "height": 844}}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Notes when the first form has been painted: it stands on the page, the splash is gone, and the
#: frame with it is out.
WATCH = """(() => {
    const look = () => {
        const root = document.getElementById("appGoesHere");
        const isShown = root?.firstElementChild && root.innerText.trim();
        if (!isShown || document.getElementById("anvil-splash")) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => (window.paintedAt = performance.now())));
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { childList: true, subtree: true });
})();"""


@dataclass(frozen=True, slots=True)
class Visits:
    """Seconds until the first form was painted."""

    cold: float
    warm: float


def measure(server: BenchServer) -> Iterator[Figure]:
    """Figures of the product's log-in page and of the benchmark's small app."""
    with sync_playwright() as playwright:
        yield from measure_calls(playwright, server)
        small = measure_visits(playwright, server.url, is_weak=False)
        yield Figure("first form of a small app, cold", small.cold, "s")
        yield Figure("first form of a small app, warm", small.warm, "s")
        with product_server(server) as product:
            yield from measure_product(playwright, product)


def measure_product(playwright: Playwright, product: BenchServer) -> Iterator[Figure]:
    url = f"{product.url}/app"
    here = measure_visits(playwright, url, is_weak=False)
    yield Figure("first form, cold", here.cold, "s", goal=1.0, anvil=(1.3, 1.9))
    yield Figure("first form, warm", here.warm, "s", goal=0.6, anvil=(0.9, 1.5))
    phone = measure_visits(playwright, url, is_weak=True)
    yield Figure("first form on a weak phone, cold", phone.cold, "s", goal=2.5, anvil=(4.4, 4.4))
    yield Figure("first form on a weak phone, warm", phone.warm, "s", goal=1.5, anvil=(2.6, 2.6))
    yield from measure_bytes(playwright, product)


def measure_visits(playwright: Playwright, url: str, *, is_weak: bool) -> Visits:
    """The median of several browsers' first visits, and of their later ones."""
    cold, warm = [], []
    for _ in range(COLD_VISITS):
        with open_browser(playwright, is_weak=is_weak) as context:
            cold.append(visit(context, url, is_weak=is_weak, stays=True))
            # Chromium keeps compiled code from the second visit on.
            visit(context, url, is_weak=is_weak)
            warm += [visit(context, url, is_weak=is_weak) for _ in range(WARM_VISITS)]
    return Visits(statistics.median(cold), statistics.median(warm))


def measure_bytes(playwright: Playwright, product: BenchServer) -> Iterator[Figure]:
    """What goes from the server to a browser: answers with their heads, as on the wire."""
    with relay(product.port) as between, open_browser(playwright, is_weak=False) as context:
        url = f"{between.url}/app"
        visit(context, url, is_weak=False, stays=True)
        yield Figure(
            "bytes of a first visit", between.sent / 1000, "KB", goal=900, anvil=(2300, 2300)
        )
        between.forget()
        visit(context, url, is_weak=False, stays=True)
        yield Figure("bytes of the next visit", between.sent / 1000, "KB", anvil=(160, 160))
        yield Figure("files of the next visit beside the page", count_files(between), "", goal=0)


def count_files(between: Relay) -> int:
    """Requests for anything but the page and the socket."""
    return sum(line not in ("GET /app", "GET /_/ws") for line in between.asked)


@contextmanager
def open_browser(playwright: Playwright, *, is_weak: bool) -> Iterator[BrowserContext]:
    """A browser with a profile of its own on disk: code is kept compiled only in such."""
    with tempfile.TemporaryDirectory(prefix="mybizz-bench-browser-") as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=find_chromium(),
            args=ARGUMENTS,
            viewport=SIZES[is_weak],  # type: ignore[arg-type]
        )
        try:
            context.add_init_script(WATCH)
            yield context
        finally:
            context.close()


def visit(context: BrowserContext, url: str, *, is_weak: bool, stays: bool = False) -> float:
    """Seconds until the first form is painted. ``stays`` leaves the page the time to put the files
    by that the next visit is to find."""
    page = context.new_page()
    try:
        if is_weak:
            slow_down(context, page)
        page.goto(url, wait_until="commit")
        page.wait_for_function("window.paintedAt > 0", timeout=60_000)
        if stays:
            page.evaluate(WAIT_UNTIL_KEPT)
        return float(page.evaluate("window.paintedAt")) / 1000
    finally:
        page.close()


#: Until the service worker has what the page loaded.
WAIT_UNTIL_KEPT = """async () => {
    const isFile = /\\/_\\/(runtime|code|app)\\/|\\/_\\/theme\\/@/;
    for (let tries = 0; tries < 300; tries += 1) {
        const cache = await caches.open("anvil-files-1");
        const kept = new Set((await cache.keys()).map((request) => request.url));
        const loaded = performance.getEntriesByType("resource").map((one) => one.name);
        const files = loaded.filter((url) => isFile.test(url));
        if (files.length > 5 && files.every((url) => kept.has(url))) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("the files of the page are not kept");
}"""


def slow_down(context: BrowserContext, page: Page) -> None:
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    session.send("Network.enable")
    bytes_per_second = 9_000_000 / 8
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 60,
            "downloadThroughput": bytes_per_second,
            "uploadThroughput": bytes_per_second,
        },
    )


def measure_calls(playwright: Playwright, server: BenchServer) -> Iterator[Figure]:
    """Calls of the form Main, timed by its own Python."""
    with open_browser(playwright, is_weak=False) as context:
        page = context.new_page()
        page.goto(server.url)
        page.get_by_text("Ready").wait_for()
        calls = page.evaluate(f"window.timeCalls({CALLS})")
        yield Figure(
            "call from an open browser, median",
            statistics.median(calls),
            "ms",
            goal=5,
            anvil=(17, 20),
        )
        reads = page.evaluate(f"window.timeRows({ROW_READS})")
        if not all(itertools.starmap(is_read, reads["seen"])):
            raise BenchmarkError(f"the rows were not read: {reads['seen'][:1]}")
        yield Figure(
            "50 rows to the browser and read, median",
            statistics.median(reads["taken"]),
            "ms",
            goal=20,
            anvil=(54, 73),
        )


def is_read(rows: int, values: int) -> bool:
    """All ten columns of all rows."""
    return rows == 50 and values == 500
