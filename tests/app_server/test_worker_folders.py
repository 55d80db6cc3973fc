"""Where worker processes put temporary files and find code."""

from __future__ import annotations

import hashlib
import marshal
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app_server.workers import temporary
from app_server.workers.temporary import (
    CODE_KEPT_SECONDS,
    KEPT_SECONDS,
    find_code_folder,
    make_temporary_folder,
)
from tests.app_server.running import ANVIL_YAML
from tests.app_server.worker_app import SERVER, Open

Patch = pytest.MonkeyPatch


async def test_temporary_files_lie_in_the_instance_s_own_folder(open_app: Open):
    """Two instances never meet in one: ``anvil.files`` keeps its copies there by table number."""
    app = await open_app()
    folder = app.instance.temporary_folder
    assert folder.is_relative_to(app.instance.config.data_dir)
    assert folder.stat().st_mode & 0o777 == 0o700
    name, variable = await app.call("temporary")
    assert (Path(name).parent, Path(variable)) == (folder, folder)


def test_temporary_files_go_after_a_day(tmp_path: Path):
    folder = make_temporary_folder(tmp_path)
    for name in ("old", "new"):
        (folder / name).touch()
        (folder / f"{name}-folder" / "inner").mkdir(parents=True)
    yesterday = time.time() - KEPT_SECONDS - 1
    for name in ("old", "old-folder"):
        os.utime(folder / name, (yesterday, yesterday))
    make_temporary_folder(tmp_path)
    assert sorted(os.listdir(folder)) == ["new", "new-folder"]


async def test_an_app_runs_its_own_code_whatever_lies_where_the_server_was_started(
    open_app: Open, tmp_path: Path, monkeypatch: Patch
):
    """A folder named as the app's package, such as the newest release beside the pinned one."""
    package = re.search("package_name: (.+)", ANVIL_YAML)
    assert package
    folder = tmp_path / "started here" / package[1].strip()
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "main.py").write_text(SERVER.replace("return os.getpid()", "return 'another'"))
    monkeypatch.chdir(folder.parent)
    app = await open_app()
    assert isinstance(await app.call("pid"), int)


@pytest.fixture
def code_folder(tmp_path: Path, monkeypatch: Patch) -> Iterator[Path]:
    """As the first server of a user finds it: not at all."""
    monkeypatch.setattr(temporary.tempfile, "gettempdir", lambda: str(tmp_path))
    find_code_folder.cache_clear()
    yield tmp_path / f"app-server-code-{os.getuid()}"
    find_code_folder.cache_clear()


NEW = SERVER.replace("return os.getpid()", "return 'new'")


async def test_code_is_compiled_once(open_app: Open, code_folder: Path):
    await (await open_app()).call("pid")
    [kept] = code_folder.iterdir()
    assert (kept.stat().st_mode & 0o077, code_folder.stat().st_mode & 0o777) == (0, 0o700)

    other = marshal.dumps(compile(NEW, "main.py", "exec"))
    kept.write_bytes(hashlib.sha256(other).digest() + other)
    assert await (await open_app()).call("pid") == "new"  # what is kept is what runs

    kept.write_bytes(hashlib.sha256(other).digest() + other[:-1])
    assert await (await open_app()).call("pid") != "new"  # unless it is damaged
    assert other[:-1] not in kept.read_bytes()


async def test_changed_code_is_compiled_anew(open_app: Open, code_folder: Path):
    await (await open_app()).call("pid")
    assert await (await open_app(server=NEW)).call("pid") == "new"
    assert len(list(code_folder.iterdir())) == 2


async def test_without_a_folder_code_is_compiled_each_time(open_app: Open, code_folder: Path):
    code_folder.mkdir(mode=0o777)
    code_folder.chmod(0o777)  # anybody may write there
    assert find_code_folder() == ""
    app = await open_app()
    assert isinstance(await app.call("pid"), int)
    assert not list(code_folder.iterdir())


def test_a_folder_that_is_not_ours_is_not_used(tmp_path: Path, code_folder: Path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    code_folder.symlink_to(tmp_path / "elsewhere")
    assert find_code_folder() == ""


def test_compiled_code_goes_after_thirty_days(code_folder: Path):
    code_folder.mkdir(mode=0o700)
    for name in ("old", "new"):
        (code_folder / name).touch()
    old = time.time() - CODE_KEPT_SECONDS - 1
    os.utime(code_folder / "old", (old, old))
    assert find_code_folder() == str(code_folder)
    assert os.listdir(code_folder) == ["new"]
