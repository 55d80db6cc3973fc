"""systemd units: taken by systemd itself, shut in, and starting commands that there are."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from scripts.commands.mybizz.application import mybizz
from scripts.operations.deploying.compose import make_compose_files
from scripts.operations.deploying.settings import Settings
from scripts.operations.home import ROOT, Home
from scripts.operations.instances import InstanceFolder
from tests.scripts.deploying import ELSEWHERE, deploy, make_instance

VARIANTS: dict[str, dict[str, Any]] = {
    "own-database": {"backups": "/srv/mybizz-backups", "memory": "8Gi"},
    "database-elsewhere": {"database_url": ELSEWHERE, "data": "/srv/mybizz-data"},
}
# Of 10: what a program could do that got into one, as systemd counts.
MOST_EXPOSED = 3


@pytest.fixture(params=VARIANTS)
def folder(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> Path:
    make_instance(home, "yogastudio", "https://www.yoga.example")
    console = InstanceFolder("management", home.data / "management")
    console.path.mkdir()
    console.write_config({"origin": "https://console.mybizz.example", "port": 3031})
    # systemd wants to see the program that a unit starts.
    options = {"project": str(ROOT), **VARIANTS[request.param]}
    deploy(home, tmp_path / "out", "systemd", **options)
    return tmp_path / "out"


def list_units(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.name.startswith("mybizz")
        and (path.suffix in (".service", ".timer", ".socket", ".target"))
    )


def read_starts(folder: Path) -> dict[str, list[str]]:
    """What each service starts, as words of ``scripts/mybizz``."""
    starts: dict[str, list[str]] = {}
    for unit in folder.glob("*.service"):
        (line,) = [each for each in unit.read_text().splitlines() if each.startswith("ExecStart=")]
        words = shlex.split(line.removeprefix("ExecStart="))
        assert words[1:3] == ["-m", "scripts.commands.mybizz"]
        starts[unit.stem] = words[3:]
    return starts


def check_command(words: list[str]) -> None:
    """Raise unless there is such a command, with such options. Folders need not be there."""
    words = ["/" if word.startswith("/") else word for word in words]
    command: click.Command = mybizz
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        command = found
    command.make_context(command.name, list(words), resilient_parsing=False)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd's own checker")
def test_systemd_takes_the_units(folder: Path):
    command = ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no"]
    done = subprocess.run(
        [*command, *map(str, list_units(folder))], capture_output=True, text=True, timeout=60
    )
    complaints = [line for line in done.stderr.splitlines() if "mybizz" in line]
    assert complaints == [] and done.returncode == 0
    # A negative control.
    broken = folder / "mybizz.service"
    broken.write_text(broken.read_text().replace("ProtectSystem=", "ProtectTheSystem="))
    done = subprocess.run([*command, str(broken)], capture_output=True, text=True, timeout=60)
    assert "ProtectTheSystem" in done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd's own checker")
def test_services_are_shut_in(folder: Path):
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager"]
    for unit in folder.glob("*.service"):
        done = subprocess.run(
            [*command, f"--threshold={MOST_EXPOSED * 10}", str(unit)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
    # A negative control.
    open_unit = folder / "open.service"
    open_unit.write_text("[Service]\nExecStart=/bin/true\n")
    done = subprocess.run([*command, "--threshold=30", str(open_unit)], capture_output=True)
    assert done.returncode


def test_units_start_commands_that_there_are(folder: Path):
    starts = read_starts(folder)
    assert {"mybizz", "mybizz-backup", "mybizz-drill", "mybizz-watch"} <= set(starts)
    for words in starts.values():
        check_command(words)
    with pytest.raises((AssertionError, click.UsageError)):
        check_command(["instance", "backup", "--al"])


def test_the_target_starts_all_that_there_is(folder: Path):
    names = {path.name for path in list_units(folder)}
    text = (folder / "mybizz.target").read_text()
    wanted = {line.removeprefix("Wants=") for line in text.splitlines() if "Wants=" in line}
    timed = {name.replace(".timer", ".service") for name in names if name.endswith(".timer")}
    assert wanted == names - timed - {"mybizz.target"}
    assert timed < names


def test_the_password_comes_as_a_credential(home: Home, tmp_path: Path):
    deploy(home, tmp_path, "systemd", ELSEWHERE)
    unit = (tmp_path / "mybizz.service").read_text()
    assert f"LoadCredential=database-url:{tmp_path}/secrets/database-url" in unit
    assert "Environment=MYBIZZ_DATABASE_FILE=%d/database-url" in unit
    assert not (tmp_path / "mybizz-postgres.service").exists()
    for path in list_units(tmp_path):
        assert "s3cret-word" not in path.read_text()
    assert (tmp_path / "secrets" / "database-url").read_text() == f"{ELSEWHERE}\n"


def test_the_console_has_an_address_of_its_own(folder: Path):
    caddyfile = (folder / "Caddyfile").read_text()
    assert "console.mybizz.example {" in caddyfile and "127.0.0.1:3031" in caddyfile
    assert read_starts(folder)["mybizz-management"] == ["management", "run", "--port", "3031"]


def test_containers_start_commands_that_there_are():
    """Compose's helpers and preparation, which Kubernetes shares."""
    text = make_compose_files(Settings("compose", domain="mybizz.example"), [])["compose.yaml"]
    services = yaml.safe_load(text)["services"]
    checked = 0
    for service in services.values():
        words = service.get("command", [])
        if "scripts.commands.mybizz" in words:
            check_command(words[words.index("scripts.commands.mybizz") + 1 :])
            checked += 1
    assert checked >= 3
