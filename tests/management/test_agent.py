"""The operator agent: what it refuses, what it runs, and that nothing is lost when it is killed."""

from __future__ import annotations

import ast
import contextlib
import itertools
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import click
import psycopg
import pytest

from scripts.commands.mybizz.application import mybizz
from scripts.operations import releases
from scripts.operations.agent import actions as agent_actions
from scripts.operations.agent.actions import make_words
from scripts.operations.agent.service import Agent
from scripts.operations.backups import list_backups
from scripts.operations.databases import DatabaseServer, drop_database
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import require_instance
from scripts.operations.serving import find_free_port
from scripts.operations.setup import VERTICALS
from scripts.uplink import operator_agent
from scripts.uplink.connection import Target, UplinkError
from tests.product.studio import CLIENT_UPLINK_KEY, ROOT, UPLINK_KEY, Caller, Studio

_numbers = itertools.count(1)
NAME = "agents-bakery"


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("instance.destroy", {"name": "bakery"}),
        ("release.publish", {"version": "v1.0.0"}),
        ("instance.backup", {}),
        ("instance.backup", {"name": "--all"}),
        ("instance.backup", {"name": "bakery", "to": "/etc/cron.d"}),
        ("instance.backup", {"name": "bakery; rm -rf /"}),
        ("instance.backup", {"name": ["bakery"]}),
        ("instance.backup", ["bakery"]),
        ("instance.upgrade", {"name": "bakery", "to": "v1.0.0 --allow-data-loss"}),
        ("instance.upgrade", {"name": "bakery", "to": "v1.0.0", "again": "yes"}),
        ("instance.upgrade", {"name": "bakery", "to": "v1.0.0", "allow_data_loss": True}),
        ("instance.rollback", {"name": "bakery", "data": "--keep-data"}),
        ("instance.rollback", {"name": "bakery"}),
        ("instance.create", {"name": "bakery", "title": "B", "owner": "no address"}),
        ("instance.create", {"name": "bakery", "title": "a\nb", "owner": "a@b.example"}),
        ("instance.create", {"name": "b", "title": "B", "owner": "a@b.example"}),
        ("fleet.notify", {"release": "v1.0.0", "names": ["bakery", "--json"]}),
        ("alert.acknowledge", {"id": "../../etc"}),
    ],
)
def test_refuses_whatever_is_not_on_its_list(action: str, arguments: Any) -> None:
    with pytest.raises(OperationError):
        make_words(action, arguments)


def test_an_argument_is_one_word_and_never_an_option() -> None:
    business = {"name": "bakery", "title": "--port=1 $(id) `id`", "owner": "a@b.example"}
    words = make_words("instance.create", business)
    assert words[:3] == ["instance", "create", "--json"] and words[-2:] == ["--", "bakery"]
    assert "--title=--port=1 $(id) `id`" in words
    assert make_words("instance.rollback", {"name": "bakery", "data": "keep"}) == [
        *("instance", "rollback", "--json", "--yes", "--keep-data", "--", "bakery")
    ]


def test_console_and_agent_know_the_same_actions() -> None:
    """The console's lists, read without importing them, and the agent's own."""
    tree = ast.parse((ROOT / "management/server_code/server_jobs/actions.py").read_text())
    verticals = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VERTICALS"
    ]
    assert verticals == [tuple(VERTICALS)]
    lists = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "ACTIONS"
    ]
    assert isinstance(lists[0], ast.Dict)
    assert {key.value for key in lists[0].keys} == set(agent_actions.ACTIONS)  # type: ignore[union-attr]


@pytest.mark.parametrize("action", sorted(agent_actions.ACTIONS))
def test_every_action_is_a_command_that_has_these_options(action: str) -> None:
    known = agent_actions.ACTIONS[action]
    command: click.Command = mybizz
    for each in known.words:
        assert isinstance(command, click.Group)
        command = command.commands[each]
    there = {option for parameter in command.params for option in parameter.opts}
    wanted = {option for option, _ in known.options.values()} | set(known.flags.values())
    assert wanted | {"--json"} <= there
    assert known.asks == ("--yes" in there)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Home]:
    """An installation with a release of the template as it stands, and no business yet."""
    home = Home.at(tmp_path_factory.mktemp("installation"))
    home.make()
    releases.publish(home, "v1.0.0", "The first one.")
    try:
        yield home
    finally:
        drop_database(server_of(postgres_url), f"mybizz_{NAME.replace('-', '_')}")
        releases.remove_folder(home.releases)


def server_of(url: str) -> DatabaseServer:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return DatabaseServer(url, str(parts.get("host")), int(parts.get("port") or 5432))


def make_agent(home: Home, url: str, caller: Caller) -> Agent:
    options = ["--data-dir", str(home.data), "--database", url]
    return Agent(home, server_of(url), caller.answer, options)


def run_to_its_end(agent: Agent, person: Caller, job_id: str) -> dict[str, Any]:
    """Rounds of the agent until the job has ended; it waits for commands, not for time."""
    agent.round()
    while job_id in agent.jobs:
        child = agent.jobs[job_id].child
        if child is not None:
            child.wait(120)
        agent.round()
    job: dict[str, Any] = person.call("get_job", job_id)["job"]
    return job


def ask(person: Caller, action: str, **arguments: Any) -> str:
    key = f"request-{next(_numbers)}"
    answer = person.call("request_job", action, {"name": NAME, **arguments}, key)
    return str(answer["job"]["job_id"])


def let_leases_run_out(console: Studio) -> None:
    console.query(
        "UPDATE app.operator_jobs SET lease_ends_at = now() - interval '1 s' "
        "WHERE state = 'running'"
    )


def test_a_business_is_made_though_the_agent_is_killed(
    console: Studio, home: Home, postgres_url: str
) -> None:
    business = {
        "name": NAME,
        "title": "The Agent's Bakery",
        "owner": "ann@bakery.example",
        "owner_name": "Ann Baker",
        **{"time_zone": "Europe/Lisbon", "currency": "EUR", "locale": "pt-PT", "country": "PT"},
    }
    with console.person("mia") as mia, console.uplink() as uplink:
        job_id = mia.call("request_instance", business, "provision-bakery")["job"]["job_id"]
        killed = make_agent(home, postgres_url, uplink)
        killed.round()
        child = killed.jobs[job_id].child
        assert child is not None
        while "Making the database" not in killed.jobs[job_id].read_log():
            with contextlib.suppress(subprocess.TimeoutExpired):
                assert child.wait(0.02) is None, killed.jobs[job_id].read_log()
        child.kill()
        child.wait(30)
        let_leases_run_out(console)
        agent = make_agent(home, postgres_url, uplink)
        job = run_to_its_end(agent, mia, job_id)
        assert job["state"] == "done" and job["attempts"] == 2, job["error"]
        assert job["result"]["release"] == "v1.0.0" and "owner_link" not in job["result"]
        link = mia.call("reveal_job_secret", job_id)["secret"]["owner_link"]
        assert link["email"] == "ann@bakery.example" and "/app/invitation/" in link["url"]
        shown = mia.call("get_instance", NAME)["instance"]
        commands = mia.call("list_commands", search="instance create")["commands"]
        assert mia.call("list_releases")["releases"][0]["used_by"] == 1
    assert shown["title"] == "The Agent's Bakery" and shown["users"] == 1
    assert [each["state"] for each in commands] == ["done", "killed"]
    assert "invitation" not in str(commands)


def test_a_command_that_ended_is_not_run_again(
    console: Studio, home: Home, postgres_url: str
) -> None:
    instance = require_instance(home, NAME)
    with console.person("mia") as mia, console.uplink() as uplink:
        job_id = ask(mia, "instance.backup")
        killed = make_agent(home, postgres_url, uplink)
        killed.round()
        child = killed.jobs[job_id].child
        assert child is not None and child.wait(120) == 0
        # The agent is killed before it can tell.
        let_leases_run_out(console)
        job = run_to_its_end(make_agent(home, postgres_url, uplink), mia, job_id)
    assert job["state"] == "done", job["error"]
    assert len(list_backups(instance.backups)) == 1
    assert not (home.data / "agent" / job_id).exists()


def test_a_refusal_of_the_command_reaches_who_asked(
    console: Studio, home: Home, postgres_url: str
) -> None:
    with console.person("mia") as mia, console.uplink() as uplink:
        job_id = ask(mia, "instance.upgrade", to="v9.9.9")
        job = run_to_its_end(make_agent(home, postgres_url, uplink), mia, job_id)
    assert job["state"] == "failed"
    assert "v9.9.9" in job["error"] and "v1.0.0" in job["error"]


def test_goes_on_while_the_console_cannot_be_reached(home: Home, postgres_url: str) -> None:
    """No round ends the agent; what could not be told is told when the console is back."""
    asked: list[str] = []

    def call(name: str, **arguments: Any) -> dict[str, Any]:
        asked.append(name)
        raise ConnectionError("the console is being restarted")

    ticks = itertools.count(0, 3600)
    agent = Agent(home, server_of(postgres_url), call, [], clock=lambda: float(next(ticks)))
    agent.round()
    first = len(asked)
    agent.round()
    assert {"take_job", "report_fleet", "report_alerts", "report_releases"} <= set(asked)
    assert len(asked) == 2 * first


def test_waits_for_a_console_but_not_with_a_wrong_key(
    console: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_agent, "RETRY_SECONDS", (0.0,))
    stopping = threading.Event()
    looks = itertools.count(1)

    def find_nobody() -> Target:
        if next(looks) == 3:
            stopping.set()
        return Target(f"ws://127.0.0.1:{find_free_port()}/_/uplink", UPLINK_KEY, "console")

    assert operator_agent.wait_for(find_nobody, stopping) is None
    assert next(looks) == 4, "it looked again and again"
    right = Target(console.uplink_url, UPLINK_KEY, "console")
    assert operator_agent.wait_for(lambda: right, threading.Event()) == right
    for key in ("server_of_somebody_else", CLIENT_UPLINK_KEY):
        wrong = Target(console.uplink_url, key, "console")
        with pytest.raises(UplinkError):
            operator_agent.wait_for(lambda wrong=wrong: wrong, threading.Event())
