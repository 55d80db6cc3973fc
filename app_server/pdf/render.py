"""Opens an address in a Chromium, waits until everything is there, and prints it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from app_server.errors import AnvilError
from app_server.limits import MAX_PDF_BROWSERS, MAX_PDF_WAITING
from app_server.pdf.browser import find_browser, open_browser
from app_server.pdf.devtools import ENDED, BrowserError, DevTools
from app_server.pdf.options import PrintOptions

logger = logging.getLogger(__name__)

UNAVAILABLE = "anvil.server.RuntimeUnavailableError"
QUIET_SECONDS = 0.25
"""Without a request of the page before it is printed."""
ERROR_SECONDS = 1.0
"""How long the page's report of an error is waited for."""
GHOSTSCRIPT_SECONDS = 20.0

NO_BROWSER = (
    "PDF rendering needs Chromium or Chrome on the server, and there is none. Install it (on "
    "Debian or Ubuntu: `apt install chromium`), or say where it is with the option pdf-browser."
)

READY, FAILED = "anvil-form", "anvil-failed"
"""Marks that the page's runtime sets: the form is open; it could not be opened."""

TELL_MARKS = f"""
window.outstandingPrintDelayPromises = {{}};
new PerformanceObserver((list) => {{
  for (const {{ name }} of list.getEntries())
    if (["{READY}", "{FAILED}"].includes(name)) anvilPrint(name);
}}).observe({{ type: "mark", buffered: true }});
"""

LOAD_ALL = """
(async () => {
  await Promise.all(Object.values(outstandingPrintDelayPromises).map((one) => one.promise));
  const images = [...document.images];
  for (const image of images) image.loading = "eager";
  await Promise.all(images.map((image) => image.decode().catch(() => undefined)));
  await document.fonts.ready;
  return images.length;
})()
"""


class PdfError(AnvilError):
    def __init__(self, message: str, type_name: str = "anvil.server.InternalError", **extra: Any):
        super().__init__(f"PDF generation failed: {message}", type_name, **extra)


_places: asyncio.Semaphore | None = None
_waiting = 0


async def render_page(
    url: str, flags: list[str], options: PrintOptions, *, program: str | None, seconds: float
) -> bytes:
    """The PDF of the page at ``url``, within this time. ``flags`` are the browser's; ``program`` is
    the option ``pdf-browser``.

    RuntimeUnavailableError where there is no browser or too many wait for one, TimeoutError where
    the page is not ready in time, else the error that the page's form raised.
    """
    global _places, _waiting
    found = find_browser(program)
    if found is None:
        raise AnvilError(NO_BROWSER, UNAVAILABLE)
    if _waiting >= MAX_PDF_WAITING:
        raise PdfError("too many PDFs are being printed. Please try again shortly.", UNAVAILABLE)
    places = _places = _places or asyncio.Semaphore(MAX_PDF_BROWSERS)
    page = _Page(url)
    try:
        async with asyncio.timeout(seconds):
            _waiting += 1
            try:
                await places.acquire()
            finally:
                _waiting -= 1
            try:
                async with open_browser(found, flags, page.take_event) as tools:
                    pdf = await page.print(tools, options.parameters)
            finally:
                places.release()
    except TimeoutError:
        raise PdfError(
            f"{page.missing} within {seconds:g} seconds.", "anvil.server.TimeoutError"
        ) from None
    except BrowserError as error:
        raise PdfError(str(error), UNAVAILABLE) from error
    return await _compress(pdf, options.quality)


class _Page:
    """What is known of the page while it loads. ``missing`` says what it is waiting for."""

    def __init__(self, url: str):
        self._url = url
        self._requests: set[str] = set()
        self._mark: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._error: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self._loss: BrowserError | None = None
        self._wake = asyncio.Event()
        self.missing = "No browser was free, or it did not start,"
        self._tools: DevTools | None = None
        self._answers: set[asyncio.Task[Any]] = set()

    def take_event(self, name: str, parameters: dict[str, Any]) -> None:
        if name == "Runtime.bindingCalled" and not self._mark.done():
            self._mark.set_result(str(parameters.get("payload")))
        elif name == "Network.requestWillBeSent":
            if not str(parameters.get("documentURL", "")).startswith("blob:"):
                self._requests.add(str(parameters.get("requestId")))
        elif name in (
            "Network.loadingFinished",
            "Network.loadingFailed",
            "Network.requestServedFromCache",
        ):
            self._requests.discard(str(parameters.get("requestId")))
        elif name == "Network.webSocketFrameSent":
            self._read_report(str(parameters.get("response", {}).get("payloadData")))
        elif name == "Page.javascriptDialogOpening" and self._tools is not None:
            # Nobody is there to close it, and the page waits until somebody does.
            closing = self._tools.call("Page.handleJavaScriptDialog", accept=False)
            task = asyncio.create_task(closing)
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
        elif name in (ENDED, "Inspector.targetCrashed"):
            self._loss = BrowserError("the browser ended" if name == ENDED else "the page crashed")
            self._wake.set()
        self._changed.set()

    def _read_report(self, text: str) -> None:
        """The page reports errors to the server, in the words that the app's author knows."""
        if '"LOG"' not in text or self._error.done():
            return
        with contextlib.suppress(ValueError):
            message = json.loads(text)
            if isinstance(message, dict) and isinstance(message.get("error"), dict):
                self._error.set_result(message["error"])

    async def print(self, tools: DevTools, parameters: dict[str, Any]) -> bytes:
        target = await tools.call("Target.createTarget", url="about:blank")
        attached = await tools.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        await tools.call("Browser.setDownloadBehavior", behavior="deny")
        tools.session_id = attached["sessionId"]
        self._tools = tools
        for domain in ("Page", "Network", "Runtime", "Inspector"):
            await tools.call(f"{domain}.enable")
        await tools.call("Runtime.addBinding", name="anvilPrint")
        await tools.call("Page.addScriptToEvaluateOnNewDocument", source=TELL_MARKS)
        self.missing = "The form did not open"
        opened = await tools.call("Page.navigate", url=self._url)
        if opened.get("errorText"):
            raise PdfError(f"the page could not be loaded ({opened['errorText']})")
        if await self._wait_for_mark() == FAILED:
            await self._raise_error()
        self.missing = "Images, fonts or other files did not load"
        await tools.evaluate(LOAD_ALL)
        await self._wait_until_quiet()
        self.missing = "The form could not be printed"
        printed = await tools.call("Page.printToPDF", printBackground=True, **parameters)
        return base64.b64decode(printed["data"])

    async def _wait_for_mark(self) -> str:
        loss = asyncio.create_task(self._wake.wait())
        try:
            first: set[asyncio.Future[Any]] = {self._mark, loss}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loss.cancel()
        self._check_loss()
        return self._mark.result()

    def _check_loss(self) -> None:
        if self._loss is not None:
            raise self._loss

    async def _raise_error(self) -> None:
        try:
            error = await asyncio.wait_for(self._error, ERROR_SECONDS)
        except TimeoutError:
            raise PdfError("the form could not be opened") from None
        kind = str(error.get("type") or "anvil.server.InternalError")
        raise AnvilError(str(error.get("message")), kind, trace=error.get("trace") or [])

    async def _wait_until_quiet(self) -> None:
        while True:
            self._changed.clear()
            self._check_loss()
            try:
                await asyncio.wait_for(
                    self._changed.wait(), None if self._requests else QUIET_SECONDS
                )
            except TimeoutError:
                return


async def _compress(pdf: bytes, quality: str) -> bytes:
    """Smaller, with images of the resolution that ``quality`` names, if Ghostscript is there.

    Anvil's server passes every PDF through it (``original`` apart); ``default`` changes nothing
    that is seen, so Chromium's own is given back then.
    """
    program = shutil.which("gs")
    if quality in ("original", "default"):
        return pdf
    if program is None:
        logger.info("Ghostscript is not installed: the PDF is as large as with quality 'original'")
        return pdf
    with tempfile.TemporaryDirectory(prefix="anvil-pdf-") as folder:
        source, result = Path(folder, "in.pdf"), Path(folder, "out.pdf")
        await asyncio.to_thread(source.write_bytes, pdf)
        process = await asyncio.create_subprocess_exec(
            program,
            "-dSAFER",
            "-dBATCH",
            "-dNOPAUSE",
            "-q",
            "-sDEVICE=pdfwrite",
            f"-dPDFSETTINGS=/{quality}",
            f"-sOutputFile={result}",
            str(source),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            code = await asyncio.wait_for(process.wait(), GHOSTSCRIPT_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            code = -1
        if code != 0 or not result.is_file():
            logger.warning("Ghostscript could not compress a PDF (exit code %s)", code)
            return pdf
        smaller = await asyncio.to_thread(result.read_bytes)
    return smaller if len(smaller) < len(pdf) else pdf
