"""What a bare machine is told, and that nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import bootstrap
from scripts.commands import test as test_command


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path / "stamps")
    return tmp_path


def program(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_does_a_step_once_for_each_state_of_its_inputs(folders: Path):
    done: list[str] = []
    source = folders / "source.txt"
    for content in ("one", "one", "two", "two", "one"):
        source.write_text(content)
        bootstrap.step("build", bootstrap.digest([source]), lambda text=content: done.append(text))
    assert done == ["one", "two", "one"]


def test_a_step_that_failed_is_done_again():
    def fail() -> None:
        raise SystemExit("no network")

    with pytest.raises(SystemExit):
        bootstrap.step("install", "state", fail)
    done: list[int] = []
    bootstrap.step("install", "state", lambda: done.append(1))
    assert done == [1]


def test_a_command_that_fails_shows_the_end_of_its_output_and_where_the_rest_is(
    folders: Path, capsys: pytest.CaptureFixture[str]
):
    log = folders / "logs" / "pip.log"
    with pytest.raises(SystemExit) as ended:
        bootstrap.run_logged("Installing", ["sh", "-c", "echo no such package; exit 7"], log)
    assert "Installing failed (exit code 7)" in str(ended.value) and str(log) in str(ended.value)
    assert "no such package" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["v18.19.0", "v6.0.0"])
def test_says_which_node_is_needed(folders: Path, monkeypatch: pytest.MonkeyPatch, version: str):
    program(folders, "node", version)
    program(folders, "npm", "10.0.0")
    monkeypatch.setenv("PATH", f"{folders}:/usr/bin:/bin")
    with pytest.raises(SystemExit, match=f"20 or newer is needed.*{version}"):
        bootstrap.require_tools()


def test_says_that_node_is_missing(folders: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(folders))
    with pytest.raises(SystemExit, match=r"Node\.js 20 or newer"):
        bootstrap.require_tools()


def test_says_which_python_is_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "MINIMUM_PYTHON", (99, 0))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed; this is 3\."):
        bootstrap.require_tools()


def test_says_how_to_get_chromium_where_it_may_not_install_it(
    folders: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(folders))
    monkeypatch.delenv("MYBIZZ_CHROMIUM", raising=False)
    assert test_command.find_chromium() is None
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        test_command.install_chromium()


def test_a_failed_installation_of_chromium_is_told(folders: Path, monkeypatch: pytest.MonkeyPatch):
    apt = folders / "apt-get"
    apt.write_text("#!/bin/sh\necho 'Unable to fetch some archives' >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folders}:/usr/bin:/bin")
    monkeypatch.setattr(test_command.os, "geteuid", lambda: 0)
    with pytest.raises(SystemExit, match="Unable to fetch some archives"):
        test_command.install_chromium()
