"""Jobs: asked for by people, taken by the agent, ended once."""

from __future__ import annotations

import itertools
from typing import Any

import psycopg
import pytest

from tests.product.studio import Caller, Refused, Studio

_numbers = itertools.count(1)


def lease() -> str:
    return f"lease-number-{next(_numbers)}"


def ask_for_backup(person: Caller, name: str, key: str | None = None) -> dict[str, Any]:
    job: dict[str, Any] = person.call(
        "request_job", "instance.backup", {"name": name}, key or lease()
    )["job"]
    return job


def take(agent: Caller, own: str) -> dict[str, Any]:
    job = agent.call("take_job", lease=own)["job"]
    assert job is not None
    return dict(job)


def end(agent: Caller, job: dict[str, Any], own: str, **facts: Any) -> bool:
    facts = {"is_done": True, **facts}
    yours: bool = agent.call("end_job", job_id=job["job_id"], lease=own, **facts)["is_yours"]
    return yours


def test_a_job_is_done_once_and_by_one_agent(console: Studio) -> None:
    with console.person("mia") as mia, console.uplink() as agent:
        first = ask_for_backup(mia, "tidy-homes", "the same click")
        assert ask_for_backup(mia, "tidy-homes", "the same click") == first
        mine, other = lease(), lease()
        taken = take(agent, mine)
        assert taken["job_id"] == first["job_id"] and taken["arguments"] == {"name": "tidy-homes"}
        assert take(agent, mine)["job_id"] == first["job_id"], "its answer was lost on the way"
        assert agent.call("take_job", lease=other)["job"] is None
        assert not end(agent, taken, other)
        told = {"job_id": first["job_id"], "lease": mine, "log_tail": "Reading ...\nWriting ..."}
        assert agent.call("report_job", **told)["is_yours"]
        assert mia.call("get_job", first["job_id"])["job"]["log_tail"].endswith("Writing ...")
        assert end(agent, taken, mine, result={"backup": "2026-11-21"})
        assert not end(agent, taken, mine)
        done = mia.call("get_job", first["job_id"])["job"]
    assert done["state"] == "done" and done["result"] == {"backup": "2026-11-21"}
    entries = console.query("SELECT action FROM app.audit_log WHERE resource_type = 'job'")
    assert sorted(action for (action,) in entries) == ["create", "end"]


def test_two_jobs_of_one_business_wait_for_each_other(console: Studio) -> None:
    with console.person("mia") as mia, console.uplink() as agent:
        for name in ("old-mill", "old-mill", "cafe-zoe"):
            ask_for_backup(mia, name)
        first, second = lease(), lease()
        assert take(agent, first)["arguments"]["name"] == "old-mill"
        other = take(agent, second)
        assert other["arguments"]["name"] == "cafe-zoe"
        assert agent.call("take_job", lease=lease())["job"] is None
        end(agent, take(agent, first), first)
        end(agent, other, second)
        third = lease()
        end(agent, take(agent, third), third)


def test_a_job_whose_agent_is_silent_is_given_out_again_but_not_for_ever(console: Studio) -> None:
    with console.person("mia") as mia, console.uplink() as agent:
        job = ask_for_backup(mia, "sea-view-inn")
        for _ in range(3):
            assert take(agent, lease())["job_id"] == job["job_id"]
            with pytest.raises(psycopg.errors.CheckViolation):
                console.query("UPDATE app.operator_jobs SET lease = NULL WHERE state = 'running'")
            # Its agent is killed: the lease runs out.
            console.query(
                "UPDATE app.operator_jobs SET lease_ends_at = now() - interval '1 s' "
                "WHERE state = 'running'"
            )
        assert agent.call("take_job", lease=lease())["job"] is None
        failed = mia.call("get_job", job["job_id"])["job"]
    assert failed["state"] == "failed" and "was stopped each time" in failed["error"]


def test_what_was_not_begun_can_be_taken_back(console: Studio) -> None:
    with console.person("mia") as mia, console.uplink() as agent:
        job = ask_for_backup(mia, "green-grocer")
        assert mia.call("cancel_job", job["job_id"])["job"]["state"] == "cancelled"
        assert agent.call("take_job", lease=lease())["job"] is None
        begun = ask_for_backup(mia, "green-grocer")
        own = lease()
        taken = take(agent, own)
        with pytest.raises(Refused) as refused:
            mia.call("cancel_job", begun["job_id"])
        assert refused.value.code == "begun"
        end(agent, taken, own, is_done=False, error="The disk is full.")
        jobs = mia.call("list_jobs", instance="green-grocer")["jobs"]
    assert [each["state"] for each in jobs] == ["failed", "cancelled"]


def test_the_owners_link_is_shown_to_one_person_once(console: Studio) -> None:
    business = {
        "name": "new-bakery",
        "title": "New Bakery",
        "owner": "ann@bakery.example",
        "owner_name": "Ann Baker",
        **{"time_zone": "Africa/Johannesburg", "currency": "ZAR", "locale": "en-ZA"},
        "country": "ZA",
    }
    url = "http://new-bakery.localhost/app/invitation/very-secret"
    with console.person("mia") as mia, console.uplink() as agent:
        job = mia.call("request_instance", business, "provision-1")["job"]
        assert mia.call("check_instance_name", "new-bakery")["suggestions"] != []
        own = lease()
        end(agent, take(agent, own), own, secret={"owner_link": {"url": url}})
        assert url not in str(console.query("SELECT * FROM app.operator_jobs"))
        with console.person("sam") as sam, pytest.raises(Refused) as refused:
            sam.call("reveal_job_secret", job["job_id"])
        assert refused.value.code == "permission_denied"
        assert mia.call("get_job", job["job_id"])["job"]["has_secret"]
        assert mia.call("reveal_job_secret", job["job_id"])["secret"]["owner_link"]["url"] == url
        with pytest.raises(Refused) as refused:
            mia.call("reveal_job_secret", job["job_id"])
        assert refused.value.code == "not_found"


@pytest.mark.parametrize(
    ("action", "arguments", "said"),
    [
        ("instance.destroy", {"name": "tidy-homes"}, "one of"),
        ("instance.backup", {"name": "Tidy Homes"}, "lower-case"),
        ("instance.backup", {"name": "--all"}, "lower-case"),
        ("instance.backup", {"name": "tidy-homes", "to": "/etc"}, "no field called"),
        ("instance.upgrade", {"name": "tidy-homes", "to": "latest"}, "v1.2.0"),
        ("instance.stop", {"reason": "x"}, "required"),
    ],
)
def test_refuses_what_is_not_on_the_list(
    console: Studio, action: str, arguments: dict[str, Any], said: str
) -> None:
    with console.person("olga") as olga, pytest.raises(Refused) as refused:
        olga.call("request_job", action, arguments, lease())
    assert refused.value.code == "invalid" and said in refused.value.answer["error"]


def test_suggests_a_name_from_the_title(console: Studio) -> None:
    with console.person("mia") as mia:
        made = mia.call("check_instance_name", title="The Café Zoë & Söhne (Pty) Ltd")
        assert made["name"] == "cafe-zoe-and-sohne" and made["is_free"]
        assert not mia.call("check_instance_name", "www")["is_free"]
        wrong = mia.call("check_instance_name", "Café Zoë")
    assert not wrong["is_free"] and wrong["suggestions"][0] == "cafe-zoe"
