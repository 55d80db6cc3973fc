"""The fleet in the console: what the agent reports, and what operators see of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.product.studio import Refused, Studio


def instance(name: str, **facts: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": name.title(),
        "release": "v1.0.0",
        "state": "ready",
        "health": "well",
        "origin": f"https://{name}.example",
        "memory_bytes": 40_000_000,
        "requests": 100,
        "requests_failed": 0,
        "contacts": 10,
        **facts,
    }


@pytest.fixture(scope="module")
def reported(console: Studio) -> Studio:
    """Three businesses: one well on the newer release, one ill, one never backed up."""
    fleet = [
        instance("sea-view-inn", title="Sea View Inn", health="ill", problem="No worker answers."),
        instance("yogastudio", title="Élan Yoga", release="v1.10.0", memory_bytes=90_000_000),
        instance("tidy-homes", title="Tidy Homes", release="v1.9.0", requests=900),
    ]
    with console.uplink() as agent:
        agent.call("report_fleet", agent="machine", instances=fleet)
    return console


def names(answer: dict[str, Any]) -> list[str]:
    return [each["name"] for each in answer["instances"]]


def test_shows_what_the_agent_reported(reported: Studio) -> None:
    with reported.person("sam") as sam:
        assert names(sam.call("list_instances")) == ["sea-view-inn", "tidy-homes", "yogastudio"]
        fleet = sam.call("get_fleet")
    assert fleet["count"] == 3 and fleet["ailing"] == 1 and not fleet["is_agent_quiet"]
    versions = [each["version"] for each in fleet["releases"]]
    assert versions == ["v1.10.0", "v1.9.0", "v1.0.0"]


def test_finds_sorts_and_pages(reported: Studio) -> None:
    with reported.person("mia") as mia:
        assert names(mia.call("list_instances", search="elan")) == ["yogastudio"]
        assert names(mia.call("list_instances", health="ill")) == ["sea-view-inn"]
        assert names(mia.call("list_instances", sort="health"))[0] == "sea-view-inn"
        assert names(mia.call("list_instances", sort="memory"))[0] == "yogastudio"
        second = mia.call("list_instances", page_size=2, offset=2)
    assert names(second) == ["yogastudio"] and second["total"] == 3


def test_nobody_but_people_of_the_console_sees_it(reported: Studio) -> None:
    for who, code in ((None, "not_authenticated"), ("carl", "permission_denied")):
        with reported.person(who) as person, pytest.raises(Refused) as refused:
            person.call("list_instances")
        assert refused.value.code == code
    with reported.person("olga") as olga, pytest.raises(Refused) as refused:
        olga.call("report_fleet", agent="x", instances=[])
    assert refused.value.code == "permission_denied"
