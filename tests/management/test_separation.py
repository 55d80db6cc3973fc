"""The console and the businesses are apart: no file, no function, no table of it reaches one."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.operations import releases
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder, check_name, make_app, make_config
from scripts.operations.management import NAME, management_folder
from scripts.operations.management import make_app as make_console_app
from scripts.operations.provision import write_folder
from tests.product.customers import AGREED
from tests.product.studio import ROOT, Refused, Studio

CONSOLE = ROOT / "management"
SERVER = CONSOLE / "server_code"
# What somebody may write in an app folder without being told apart by it.
COMMON = {"parameters.yaml"}


def files_below(folder: Path) -> list[Path]:
    """Every file that one gets at from a folder, through links too."""
    found = []
    for base, _, names in os.walk(folder, followlinks=True):
        found += [Path(base) / name for name in names if not name.endswith(".pyc")]
    return found


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A release of this checkout, and an instance's folder that is pinned to it."""
    home = Home.at(tmp_path_factory.mktemp("installation"))
    home.make()
    release = releases.publish(home, "v1.0.0", "The first one.")
    instance = InstanceFolder("bakery", home.instances / "bakery")
    write_folder(instance, release, "Bakery", make_config(instance, "jdbc:postgresql://x/y", 3030))
    yield home, release, instance
    releases.remove_folder(home.releases)


def strangers(folder: Path) -> list[str]:
    """Files below the folder that are the console's: by their content, or by where they stand."""
    own = {
        path.read_bytes()
        for path in files_below(CONSOLE)
        if path.name not in COMMON and path.stat().st_size > 80
    }
    return [
        str(path)
        for path in files_below(folder)
        if path.read_bytes() in own or "management" in path.relative_to(folder).parts
    ]


def test_no_file_of_it_is_in_a_release_or_an_instance(installation: Any) -> None:
    home, release, instance = installation
    assert len(files_below(CONSOLE)) > 50
    assert strangers(release.folder) == []
    assert strangers(instance.path) == []
    assert not list(home.instances.glob("*management*"))


def test_a_file_of_it_that_slipped_in_would_be_found(installation: Any, tmp_path: Path) -> None:
    _, release, _ = installation
    (tmp_path / "copy").symlink_to(release.folder)
    assert strangers(tmp_path) == []
    code = (SERVER / "server_jobs" / "job_service.py").read_bytes()
    (tmp_path / "innocent_name.py").write_bytes(code)
    assert strangers(tmp_path) == [str(tmp_path / "innocent_name.py")]


def test_an_instance_has_neither_its_tables_nor_its_tasks(
    installation: Any, tmp_path: Path
) -> None:
    home, release, instance = installation
    app = make_app(instance, release, "Bakery")
    own = yaml.safe_load((CONSOLE / "anvil.yaml").read_text())
    assert len(own["db_schema"]) >= 7
    assert not set(own["db_schema"]) & set(app["db_schema"])
    tasks = {task["task_name"] for task in own["scheduled_tasks"]}
    assert not tasks & {task["task_name"] for task in app["scheduled_tasks"]}
    assert "management" not in yaml.safe_dump(app)
    console = InstanceFolder(NAME, tmp_path / NAME)
    console.path.mkdir()
    for package in ("master_template", "management"):
        (console.path / package).symlink_to(ROOT / package)
    assert set(make_console_app(console)["db_schema"]) == {*own["db_schema"], *app["db_schema"]}


def test_it_is_no_instance_and_no_instance_can_have_its_name(installation: Any) -> None:
    home, _, _ = installation
    assert management_folder(home).path.parent == home.data
    with pytest.raises(Exception, match="reserved"):
        check_name(NAME)


def test_the_template_knows_nothing_of_it() -> None:
    imported = re.compile(r"^\s*(from|import)\s+management\b", re.MULTILINE)
    for path in (ROOT / "master_template").rglob("*.py"):
        assert not imported.search(path.read_text()), path


def declared_callables() -> dict[str, ast.Call]:
    """The decorator of every function of the console that can be called from outside."""
    found = {}
    for path in sorted(SERVER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for decorator in getattr(node, "decorator_list", []):
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(called, ast.Name) and called.id == "server_callable":
                    assert isinstance(decorator, ast.Call)
                    found[node.name] = decorator  # type: ignore[attr-defined]
                else:
                    assert not (isinstance(called, ast.Attribute) and called.attr == "callable"), (
                        f"{path}: {node.name} goes round the guard"  # type: ignore[attr-defined]
                    )
    return found


CALLABLES = declared_callables()
OPERATORS_MAY = {"STAFF_ONLY", "fleet.view", "releases.view", "alerts.view", "alerts.manage"}


def needs_of(name: str) -> str:
    value = next(word.value for word in CALLABLES[name].keywords if word.arg == "needs")
    return value.value if isinstance(value, ast.Constant) else ast.unparse(value)


def test_every_callable_is_behind_the_guard_and_needs_something() -> None:
    assert len(CALLABLES) >= 25
    known = {
        f"{area}.{verb}"
        for area in ("fleet", "releases", "alerts", "billing")
        for verb in ("view", "manage")
    }
    assert {needs_of(name) for name in CALLABLES} <= known | {"TRUSTED_ONLY", "STAFF_ONLY"}


def _code(person: Any, name: str) -> str:
    answer = person.answer(name)
    return "" if answer["success"] else str(answer["code"])


def test_nobody_from_outside_gets_beyond_the_guard(console: Studio) -> None:
    for who, code in ((None, "not_authenticated"), ("carl", "permission_denied")):
        with console.person(who) as person:
            for name in CALLABLES:
                expected = "permission_denied" if needs_of(name) == "TRUSTED_ONLY" else code
                assert _code(person, name) == expected, (who, name)


def test_an_operator_may_look_and_see_to_alerts_but_change_no_business(console: Studio) -> None:
    with console.person("sam") as sam:
        for name in CALLABLES:
            may = needs_of(name) in OPERATORS_MAY
            assert (_code(sam, name) != "permission_denied") == may, name


def test_nobody_signs_up_and_there_is_no_public_page(console: Studio) -> None:
    with console.person() as stranger:
        with pytest.raises(Refused) as refused:
            stranger.call(
                "sign_up",
                first_name="A",
                last_name="B",
                email="a@b.example",
                password="correct horse",
                agreed=AGREED,
            )
        assert refused.value.code == "closed"
    answer = console.server.client.get("/", follow_redirects=False)
    assert answer.status_code == 302 and answer.headers["location"] == "/app"
    for path in ("/privacy", "/terms", "/policies"):
        assert console.server.client.get(path).status_code == 404
    for path in ("/app/signup", "/app/contacts", "/app/home"):
        assert console.server.client.get(path).status_code == 404


def test_a_key_of_a_business_opens_nothing_here(console: Studio, installation: Any) -> None:
    _, _, instance = installation
    for key in ("uplink-key", "client-uplink-key"):
        with (
            pytest.raises(AssertionError, match="error"),
            console.uplink(str(instance.read_config()[key])),
        ):
            pass
