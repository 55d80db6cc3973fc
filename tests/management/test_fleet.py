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


def test_keeps_a_history_that_grows_coarser_with_age(reported: Studio) -> None:
    """Three days of samples, one each twenty minutes: the oldest become hours, then days."""
    reported.query(
        "INSERT INTO app.fleet_samples (instance, period, taken_at, is_well, memory_bytes, "
        "latency_ms, requests, requests_failed, contacts) "
        "SELECT 'tidy-homes', 'report', date_trunc('hour', now()) - n * interval '20 min', "
        "true, 1000 + n, 20, 5, 1, 300 - n FROM generate_series(1, 216) AS n"
    )
    with reported.person("sam") as sam, reported.uplink() as script:
        before = sam.call("get_instance_history", "tidy-homes", "week")["points"]
        fewer = script.call("compact_samples_now")["rows"]
        after = sam.call("get_instance_history", "tidy-homes", "week")["points"]
        again = script.call("compact_samples_now")["rows"]
        day = sam.call("get_instance_history", "tidy-homes", "day")["points"]
    rows = reported.query(
        "SELECT period, count(*), sum(requests), min(contacts) FROM app.fleet_samples "
        "WHERE instance = 'tidy-homes' AND memory_bytes < 2000 GROUP BY period ORDER BY period"
    )
    counts = {period: int(count) for period, count, *_ in rows}
    assert counts["hour"] in (23, 24) and 144 <= counts["report"] <= 148
    assert fewer == 2 * counts["hour"] and again == 0
    # Nothing is lost of what adds up.
    assert sum(total for _, _, total, _ in rows) == 216 * 5
    assert sum(point["requests"] or 0 for point in before) == 216 * 5
    assert sum(point["requests"] or 0 for point in after) == 216 * 5
    assert 60 <= len(day) <= 80 and all(point["is_well"] for point in day)


def test_what_is_not_reported_any_more_is_gone_and_comes_back(reported: Studio) -> None:
    tidy = instance("tidy-homes", title="Tidy Homes", release="v1.9.0", requests=950)
    with reported.uplink() as agent, reported.person("mia") as mia:
        agent.call("report_fleet", agent="machine", instances=[tidy])
        assert names(mia.call("list_instances")) == ["tidy-homes"]
        assert mia.call("get_instance", "yogastudio")["instance"]["contacts"] == 10
        removed = reported.query(
            "SELECT name FROM app.fleet_instances WHERE removed_at > now() "
            "- interval '1 hour' ORDER BY name"
        )
        assert removed == [("sea-view-inn",), ("yogastudio",)]
        # An agent that cannot look takes nothing away.
        agent.call("report_fleet", agent="machine", instances=[], problem="No database server.")
        assert mia.call("get_fleet")["agent_problem"] == "No database server."
        assert names(mia.call("list_instances")) == ["tidy-homes"]
        agent.call("report_fleet", agent="machine", instances=[tidy, instance("yogastudio")])
        assert names(mia.call("list_instances")) == ["tidy-homes", "yogastudio"]


ALERT = {
    "key": "backup_old:tidy-homes",
    "rule": "backup_old",
    "instance": "tidy-homes",
    "severity": "warning",
    "text": "The newest backup of Tidy Homes is 26 hours old.",
    "next_step": "Make one: scripts/mybizz instance backup tidy-homes.",
    "began_at": "2026-11-21T08:00:00+00:00",
}


def test_an_alert_opens_is_seen_to_and_ends(console: Studio) -> None:
    with console.uplink() as agent, console.person("sam") as sam:
        for _ in range(2):
            agent.call("report_alerts", alerts=[ALERT])
        (alert,) = sam.call("list_alerts")["alerts"]
        seen = sam.call("acknowledge_alert", alert["alert_id"], "On it")["alert"]
        assert seen["state"] == "acknowledged" and seen["acknowledged_by"] == "Sam Tester"
        assert sam.call("list_alerts")["alerts"] == []
        jobs = sam.call("list_jobs", action="alert.acknowledge")["jobs"]
        assert [job["arguments"] for job in jobs] == [{"id": ALERT["key"], "note": "On it"}]
        agent.call("report_alerts", alerts=[])
        (over,) = sam.call("list_alerts", state="ended")["alerts"]
        assert over["state"] == "ended" and over["note"] == "On it"
        with pytest.raises(Refused) as refused:
            sam.call("acknowledge_alert", alert["alert_id"])
        assert refused.value.code == "alert_over"
        agent.call("report_alerts", alerts=[ALERT])
        assert len(sam.call("list_alerts")["alerts"]) == 1, "it began anew"


def test_tenants_are_told_of_a_release_through_the_agent(console: Studio) -> None:
    told = {"version": "v2.0.0", "kind": "breaking", "notes": "# v2.0.0\n\nPlans.", "guide": "Do."}
    with console.uplink() as agent, console.person("mia") as mia:
        agent.call("report_releases", releases=[{"version": "v1.10.0"}, told])
        listed = mia.call("list_releases")["releases"]
        assert [each["version"] for each in listed] == ["v2.0.0", "v1.10.0"]
        assert listed[0]["summary"] == "Plans." and listed[0]["has_guide"]
        job = mia.call("notify_of_release", "v2.0.0", ["tidy-homes"], "notice-1")["job"]
        assert job["arguments"] == {"release": "v2.0.0", "names": ["tidy-homes"]}
        with console.person("sam") as sam, pytest.raises(Refused) as refused:
            sam.call("notify_of_release", "v2.0.0", [], "notice-2")
        assert refused.value.code == "permission_denied"
        while (taken := agent.call("take_job", lease="lease-notice")["job"]) is not None:
            ended = {"job_id": taken["job_id"], "lease": "lease-notice", "is_done": True}
            agent.call("end_job", **ended)
    notified = console.query("SELECT version FROM app.releases WHERE notified_at IS NOT NULL")
    assert notified == [("v2.0.0",)]


def test_the_log_of_commands_grows_and_is_told_once(console: Studio) -> None:
    command = {
        "command_id": "abc",
        "ran_at": "2026-11-21T08:00:00+00:00",
        "ran_by": "thandi",
        "words": "scripts/mybizz instance backup tidy-homes",
        "state": "running",
    }
    with console.uplink() as agent, console.person("sam") as sam:
        assert agent.call("report_commands", commands=[command])["new"] == 1
        assert agent.call("report_commands", commands=[{**command, "state": "done"}])["new"] == 0
        (shown,) = sam.call("list_commands", search="TIDY backup")["commands"]
    assert shown["state"] == "done" and shown["ran_by"] == "thandi"


def test_old_records_go_and_open_ones_stay(console: Studio) -> None:
    with console.uplink() as script:
        script.call("report_alerts", alerts=[ALERT, {**ALERT, "key": "another"}])
        console.query(
            "UPDATE app.alerts SET began_at = now() - interval '900 days', ended_at = "
            "CASE key WHEN 'another' THEN now() - interval '401 days' END WHERE ended_at IS NULL"
        )
        console.query("UPDATE app.operator_commands SET ran_at = now() - interval '401 days'")
        before = console.query("SELECT count(*) FROM app.operator_jobs")
        dropped = script.call("drop_old_records_now")["dropped"]
        assert script.call("drop_old_records_now")["dropped"] == dict.fromkeys(dropped, 0)
    assert dropped["alerts"] == 1 and dropped["operator_commands"] == 1
    left = console.query("SELECT key FROM app.alerts WHERE ended_at IS NULL")
    assert left == [(ALERT["key"],)]
    assert console.query("SELECT count(*) FROM app.operator_jobs") == before
