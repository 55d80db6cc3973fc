"""A Chromium for printing comes up on systems that forbid this or that."""

from __future__ import annotations

import logging
import os
import stat
from collections import Counter
from pathlib import Path

import pytest

from app_server.pdf import browser
from app_server.pdf.devtools import ENDED, BrowserError, OnEvent

PROGRAM = os.environ.get("MYBIZZ_CHROMIUM") or browser.find_browser(None)


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "_impossible", set())
    monkeypatch.setattr(browser, "_proven", set())
    monkeypatch.setattr(browser, "_slow", Counter())


def write_program(folder: Path, script: str) -> str:
    path = folder / "chromium"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def get_product(
    program: str | None = PROGRAM, on_event: OnEvent = lambda _name, _parameters: None
) -> str:
    assert program, "Chromium is needed; scripts/test installs it"
    async with browser.open_browser(program, [], on_event) as tools:
        return (await tools.call("Browser.getVersion"))["product"]


def open_to_all(folder: Path) -> Path:
    for path in (folder, *folder.parents[:3]):
        path.chmod(path.stat().st_mode | stat.S_IXOTH)
    return folder


async def test_a_system_without_a_sandbox(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
):
    """It is said once, and not tried again. That one ended is no loss of a page."""
    script = f"""case "$*" in
*--no-sandbox*) exec {PROGRAM} "$@";;
esac
echo "[FATAL] No usable sandbox! And more than anybody reads: {"#0 0x55 " * 300}" >&2
echo started >> "$(dirname $0)/starts"
exit 1"""
    folder = open_to_all(tmp_path_factory.mktemp("program"))
    (folder / "starts").touch()
    (folder / "starts").chmod(0o666)
    program = write_program(folder, script)
    events: list[str] = []
    with caplog.at_level(logging.WARNING):
        assert "Chrome" in await get_product(program, lambda name, _: events.append(name))
        assert events.count(ENDED) <= 1
        assert "Chrome" in await get_product(program)
    assert (folder / "starts").read_text() == "started\n"
    [record] = caplog.records
    assert "in Chromium's sandbox on this system" in record.message


async def test_a_system_on_which_no_page_comes_up(
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """The browser itself runs in the sandbox, and none of its pages does."""
    monkeypatch.setattr(browser, "TRY_SECONDS", 6.0)
    script = f"""case "$*" in
*--no-sandbox*) exec {PROGRAM} "$@";;
*) exec {PROGRAM} "$@" --no-sandbox --no-zygote --renderer-cmd-prefix=/bin/false;;
esac"""
    program = write_program(open_to_all(tmp_path_factory.mktemp("program")), script)
    for _ in range(3):
        assert "Chrome" in await get_product(program)
    [record] = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert "in Chromium's sandbox on this system" in record.message


async def test_a_temporary_folder_that_is_ours_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert "Chrome" in await get_product()


async def test_a_program_that_is_ours_alone(tmp_path: Path):
    tmp_path.chmod(0o700)
    assert "Chrome" in await get_product(write_program(tmp_path, f'exec {PROGRAM} "$@"'))


async def test_no_other_user_to_be_had(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """As where root has lost the right to give files away."""

    def refuse(*_arguments: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(browser, "_give", refuse)
    assert "Chrome" in await get_product()
    assert len(caplog.records) == (2 if os.geteuid() == 0 else 0)


async def test_what_the_program_says_last_is_told(tmp_path: Path):
    program = write_program(tmp_path, "echo its library is missing >&2; exit 3")
    with pytest.raises(BrowserError, match="did not start: its library is missing"):
        await get_product(program)
