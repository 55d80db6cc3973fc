"""Campaigns through the server: who comes in, when the next mail is due, who leaves."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from master_template.server_marketing.campaign_timing import due_at
from master_template.server_marketing.campaign_triggers import matching_days
from tests.product.studio import Caller, Refused, Studio

_numbers = itertools.count(1)


def mail(subject: str = "Hello {{ first_name }}") -> dict[str, Any]:
    return {"subject": subject, "format": "markdown", "markdown": "We are glad that you are here."}


def step(delay: int = 0, unit: str = "days", **more: Any) -> dict[str, Any]:
    return {"delay": delay, "unit": unit, "content": mail(), **more}


def make_campaign(caller: Caller, trigger: str = "manual", **more: Any) -> str:
    """A campaign that runs, of two mails a day apart."""
    settings = more.pop("settings", {})
    given = {
        "campaign_name": f"Campaign {next(_numbers)}",
        "campaign_type": trigger,
        "steps": more.pop("steps", [step(), step(1)]),
        "campaign_settings": settings,
    }
    campaign_id: str = caller.call("create_campaign", given)["campaign_id"]
    caller.call("resume_campaign", campaign_id)
    return campaign_id


def make_contact(caller: Caller, **more: Any) -> str:
    number = next(_numbers)
    given = {
        "first_name": "Ana",
        "last_name": f"Silva {number}",
        "email": f"ana{number}@example.com",
        "preferences": {"marketing_opt_in": True},
        **more,
    }
    contact_id: str = caller.call("create_contact", given)["contact"]["contact_id"]
    return contact_id


def enrolment(caller: Caller, campaign_id: str) -> dict[str, Any]:
    """The newest enrolment of a campaign."""
    found = caller.call("list_enrollments", campaign_id)["enrollments"]
    assert found, "nobody is in it"
    first: dict[str, Any] = found[0]
    return first


def subjects(studio: Studio, campaign_id: str) -> list[str]:
    """The subjects of what was planned for a campaign, in order."""
    found = studio.query(
        "SELECT c.subject FROM app.mail_sends s JOIN app.mail_contents c ON c._id = s.content "
        "WHERE s.source = %s ORDER BY s._id",
        f"campaign:{campaign_id}",
    )
    return [subject for (subject,) in found]


def planned(studio: Studio, campaign_id: str) -> int:
    """How many mails of a campaign are in the ledger."""
    source = f"campaign:{campaign_id}"
    return int(studio.query("SELECT count(*) FROM app.mail_sends WHERE source = %s", source)[0][0])


def let_time_come(studio: Studio, campaign_id: str) -> None:
    """What is due later is due now; then what is due is done."""
    studio.query(
        "UPDATE app.contact_campaigns e SET next_at = now() - interval '1 minute' "
        "FROM app.email_campaigns c WHERE c._id = e.campaign AND c.campaign_id = %s "
        "AND e.status = 'active'",
        campaign_id,
    )
    with studio.uplink() as script:
        script.call("process_campaigns_now")


def complete(studio: Studio, caller: Caller, campaign_id: str) -> None:
    """Have the newest enrolment of a campaign come to its end. What a sender that is at work gets
    in the way of waits for the next round."""
    for _ in range(10):
        let_time_come(studio, campaign_id)
        if enrolment(caller, campaign_id)["status"] == "completed":
            return
    raise AssertionError("it does not come to its end")


@pytest.fixture(scope="module")
def mia(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.person("mia") as caller:
        yield caller


def test_goes_on_mail_by_mail_and_completes(empty_studio: Studio, mia: Caller) -> None:
    campaign_id, contact_id = make_campaign(mia), make_contact(mia)
    mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    assert planned(empty_studio, campaign_id) == 1
    assert enrolment(mia, campaign_id)["sequence_day"] == 2
    with empty_studio.uplink() as script:
        script.call("process_campaigns_now")
    assert planned(empty_studio, campaign_id) == 1, "the second mail is not due yet"
    let_time_come(empty_studio, campaign_id)
    assert planned(empty_studio, campaign_id) == 2
    assert enrolment(mia, campaign_id)["status"] == "completed"
    let_time_come(empty_studio, campaign_id)
    assert planned(empty_studio, campaign_id) == 2


def test_takes_a_contact_once_at_a_time_and_says_why_not(mia: Caller) -> None:
    campaign_id, contact_id = make_campaign(mia), make_contact(mia)
    mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    with pytest.raises(Refused, match="open"):
        mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    assert mia.call("unenroll_contact", contact_id, campaign_id)["is_changed"] is True
    assert mia.call("unenroll_contact", contact_id, campaign_id)["is_changed"] is False
    with pytest.raises(Refused, match="only_once"):
        mia.call("enroll_contact_in_campaign", contact_id, campaign_id)


def test_the_database_keeps_one_open_enrolment(empty_studio: Studio, mia: Caller) -> None:
    campaign_id, contact_id = make_campaign(mia), make_contact(mia)
    mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    copy = (
        "INSERT INTO app.contact_campaigns (enrollment_id, contact, campaign, status, "
        "sequence_day, next_at, enrolled_at) SELECT 'twice', contact, campaign, status, "
        "sequence_day, next_at, enrolled_at FROM app.contact_campaigns WHERE contact = "
        "(SELECT _id FROM app.contacts WHERE contact_id = %s)"
    )
    with pytest.raises(Exception, match="contact_campaigns_one_open"):
        empty_studio.query(copy, contact_id)


def test_takes_again_where_the_campaign_says_so(empty_studio: Studio, mia: Caller) -> None:
    settings = {"reenrolment": "after_end"}
    campaign_id = make_campaign(mia, settings=settings, steps=[step()])
    contact_id = make_contact(mia)
    for _ in range(2):
        mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    assert planned(empty_studio, campaign_id) == 2
    assert mia.call("list_enrollments", campaign_id, "completed")["total"] == 2


def test_a_new_contact_starts_a_campaign_and_an_imported_one_does_not(
    empty_studio: Studio, mia: Caller
) -> None:
    campaign_id = make_campaign(mia, "contact_created")
    make_contact(mia, source="import")
    assert planned(empty_studio, campaign_id) == 0
    make_contact(mia)
    assert planned(empty_studio, campaign_id) == 1
    mia.call("archive_campaign", campaign_id)


def test_a_tag_starts_a_campaign_once_it_is_there(empty_studio: Studio, mia: Caller) -> None:
    settings = {"changed_field": "tags", "changed_value": "retreat"}
    campaign_id = make_campaign(mia, "contact_changed", settings=settings)
    contact_id = make_contact(mia)
    mia.call("update_contact", contact_id, {"company": "Ana Ltd"}, 1)
    assert planned(empty_studio, campaign_id) == 0
    mia.call("update_contact", contact_id, {"tags": ["retreat"]}, 2)
    assert planned(empty_studio, campaign_id) == 1


def test_a_purchase_ends_a_campaign_that_says_so(empty_studio: Studio, mia: Caller) -> None:
    campaign_id = make_campaign(mia, settings={"exits": ["bought"]})
    other_id = make_campaign(mia)
    contact_id = make_contact(mia, email="buyer@example.com")
    for each in (campaign_id, other_id):
        mia.call("enroll_contact_in_campaign", contact_id, each)
    with empty_studio.uplink() as script:
        script.call("update_contact_from_transaction", "buyer@example.com", "order", "O-1", 45_000)
    assert enrolment(mia, campaign_id)["status"] == "exited"
    assert enrolment(mia, campaign_id)["exit_reason"] == "Bought something"
    assert enrolment(mia, other_id)["status"] == "active"


def test_what_a_purchase_starts_it_does_not_end(empty_studio: Studio, mia: Caller) -> None:
    settings = {"exits": ["bought"], "reenrolment": "after_end"}
    campaign_id = make_campaign(mia, "transaction_recorded", settings=settings)
    make_contact(mia, email="again@example.com")
    with empty_studio.uplink() as script:
        for number in ("O-2", "O-3"):
            script.call(
                "update_contact_from_transaction", "again@example.com", "order", number, 5_000
            )
    found = mia.call("list_enrollments", campaign_id)["enrollments"]
    assert [one["status"] for one in found] == ["active", "exited"]
    mia.call("archive_campaign", campaign_id)


def test_a_paused_campaign_keeps_everybody_where_they_are(
    empty_studio: Studio, mia: Caller
) -> None:
    campaign_id, contact_id = make_campaign(mia), make_contact(mia)
    mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    mia.call("pause_campaign", campaign_id)
    let_time_come(empty_studio, campaign_id)
    assert planned(empty_studio, campaign_id) == 1
    with pytest.raises(Refused, match="not_active"):
        mia.call("enroll_contact_in_campaign", make_contact(mia), campaign_id)
    mia.call("resume_campaign", campaign_id)
    with empty_studio.uplink() as script:
        script.call("process_campaigns_now")
    assert planned(empty_studio, campaign_id) == 2


def test_one_person_can_be_held_and_go_on(empty_studio: Studio, mia: Caller) -> None:
    campaign_id, contact_id = make_campaign(mia), make_contact(mia)
    mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    mia.call("pause_enrollment", contact_id, campaign_id, True)
    let_time_come(empty_studio, campaign_id)
    assert planned(empty_studio, campaign_id) == 1
    mia.call("pause_enrollment", contact_id, campaign_id, False)
    let_time_come(empty_studio, campaign_id)
    assert planned(empty_studio, campaign_id) == 2


def test_people_go_on_from_their_step_when_a_campaign_is_edited(
    empty_studio: Studio, mia: Caller
) -> None:
    campaign_id, contact_id = make_campaign(mia), make_contact(mia)
    mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    campaign = mia.call("get_campaign", campaign_id)["campaign"]
    first, second = campaign["steps"]
    late = {**second, "content": mail("Changed meanwhile")}
    steps = [step(), first, late, {**step(2), "content": mail("One more")}]
    mia.call("update_campaign", campaign_id, {"steps": steps}, campaign["version"])
    let_time_come(empty_studio, campaign_id)
    let_time_come(empty_studio, campaign_id)
    assert subjects(empty_studio, campaign_id) == [
        "Hello {{ first_name }}",
        "Changed meanwhile",
        "One more",
    ]
    with pytest.raises(Refused, match="edited_meanwhile"):
        mia.call("update_campaign", campaign_id, {"campaign_name": "Mine"}, campaign["version"])


def test_two_at_work_at_once_write_to_everybody_once(empty_studio: Studio, mia: Caller) -> None:
    campaign_id = make_campaign(mia)
    for _ in range(6):
        mia.call("enroll_contact_in_campaign", make_contact(mia), campaign_id)
    empty_studio.query(
        "UPDATE app.contact_campaigns e SET next_at = now() FROM app.email_campaigns c "
        "WHERE c._id = e.campaign AND c.campaign_id = %s",
        campaign_id,
    )
    answers: list[dict[str, Any]] = []

    def work() -> None:
        with empty_studio.uplink() as script:
            answers.append(script.call("process_campaigns_now"))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(answers) == 2
    assert planned(empty_studio, campaign_id) == 12
    keys = empty_studio.query(
        "SELECT count(DISTINCT key) FROM app.mail_sends WHERE source = %s",
        f"campaign:{campaign_id}",
    )
    assert keys == [(12,)]
    assert mia.call("list_enrollments", campaign_id, "completed")["total"] == 6


def test_a_deleted_contact_leaves(empty_studio: Studio, mia: Caller) -> None:
    campaign_id, contact_id = make_campaign(mia), make_contact(mia)
    mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    mia.call("delete_contact", contact_id)
    let_time_come(empty_studio, campaign_id)
    assert planned(empty_studio, campaign_id) == 1
    assert enrolment(mia, campaign_id)["exit_reason"] == "The contact was deleted"


@pytest.fixture
def nothing_goes_out(empty_studio: Studio) -> Iterator[None]:
    """What is planned waits."""
    with empty_studio.person("olga") as olga:
        olga.call("update_sending_limit", 0)
        yield
        olga.call("update_sending_limit", 50)


@pytest.mark.usefixtures("nothing_goes_out")
def test_who_is_merged_stays_in_each_campaign_once(empty_studio: Studio, mia: Caller) -> None:
    keep, other = make_contact(mia), make_contact(mia)
    going_on, in_both, twice, again = (
        make_campaign(mia),
        make_campaign(mia),
        make_campaign(mia),
        make_campaign(mia, settings={"reenrolment": "after_end", "reenrolment_days": 0}),
    )
    for campaign_id in (twice, again, in_both):
        mia.call("enroll_contact_in_campaign", keep, campaign_id)
    for campaign_id in (twice, again):
        complete(empty_studio, mia, campaign_id)
    for campaign_id in (going_on, in_both, twice, again):
        mia.call("enroll_contact_in_campaign", other, campaign_id)
    mia.call("merge_contacts", keep, other)

    def places(campaign_id: str) -> list[tuple[str, str, str | None]]:
        return empty_studio.query(
            "SELECT t.contact_id, e.status, e.exit_reason FROM app.contact_campaigns e "
            "JOIN app.contacts t ON t._id = e.contact "
            "JOIN app.email_campaigns c ON c._id = e.campaign "
            "WHERE c.campaign_id = %s ORDER BY e._id",
            campaign_id,
        )

    assert places(going_on) == [(keep, "active", None)]
    assert places(in_both) == [(keep, "active", None), (keep, "exited", "merged")]
    assert places(twice) == [(keep, "completed", None), (keep, "exited", "merged")]
    assert places(again) == [(keep, "completed", None), (keep, "active", None)]
    with empty_studio.person("mia") as caller:
        campaigns = caller.call("get_contact_campaigns", keep)["campaigns"]
    in_now = {each["campaign_id"]: each["sequence_day"] for each in campaigns}
    assert in_now == {going_on: 2, in_both: 2, again: 2}
    complete(empty_studio, mia, going_on)
    # Of the place that ended nothing more goes out.
    states = "SELECT state, reason FROM app.mail_sends WHERE source = %s ORDER BY _id"
    assert empty_studio.query(states, f"campaign:{in_both}") == [
        ("planned", None),
        ("skipped", "cancelled"),
    ]


def test_a_campaign_that_is_not_complete_does_not_start(mia: Caller) -> None:
    given = {
        "campaign_name": "Half",
        "campaign_type": "segment_entered",
        "steps": [{"content": {"subject": ""}}],
    }
    campaign_id = mia.call("create_campaign", given)["campaign_id"]
    with pytest.raises(Refused) as refused:
        mia.call("resume_campaign", campaign_id)
    fields = set(refused.value.fields)
    assert {"campaign_settings.segment_id", "steps.0.content.subject"} <= fields


def test_refuses_a_wrong_step_at_its_field(mia: Caller) -> None:
    steps = [step(), step(unit="fortnights")]
    with pytest.raises(Refused) as refused:
        mia.call("create_campaign", {"campaign_name": "Odd", "steps": steps})
    assert set(refused.value.fields) == {"steps.1.unit"}


def test_takes_the_older_form_of_a_sequence(mia: Caller) -> None:
    older = {
        "campaign_name": "Welcome",
        "campaign_type": "lead_captured",
        "settings": {
            "email_delay_days": 2,
            "email_sequence": [
                {"subject": "One", "html_content": "<p>Hello</p><p>there &amp; here</p>"},
                {"subject": "Two", "html_content": "<p>Bye</p>"},
            ],
        },
    }
    made = mia.call("create_campaign", older)["campaign"]
    assert [(one["delay"], one["content"]["subject"]) for one in made["steps"]] == [
        (0, "One"),
        (2, "Two"),
    ]
    assert made["steps"][0]["content"]["markdown"].split() == ["Hello", "there", "&", "here"]


def test_archiving_ends_it_for_everybody_and_a_copy_is_a_draft(mia: Caller) -> None:
    campaign_id, contact_id = make_campaign(mia), make_contact(mia)
    mia.call("enroll_contact_in_campaign", contact_id, campaign_id)
    with pytest.raises(Refused, match="has_history"):
        mia.call("delete_campaign", campaign_id)
    copy = mia.call("duplicate_campaign", campaign_id)["campaign"]
    assert copy["status"] == "draft" and len(copy["steps"]) == 2
    mia.call("archive_campaign", campaign_id)
    with pytest.raises(Refused, match="wrong_status"):
        mia.call("resume_campaign", campaign_id)
    mia.call("delete_campaign", copy["campaign_id"])
    listed = mia.call("list_campaigns", page_size=100)["campaigns"]
    ids = {one["campaign_id"] for one in listed}
    assert not ids & {campaign_id, copy["campaign_id"]}


def test_stats_divide_by_nothing(mia: Caller) -> None:
    campaign_id = make_campaign(mia)
    stats = mia.call("get_campaign_stats", campaign_id)["stats"]
    assert stats["open_rate"] == stats["click_rate"] == 0
    assert stats["emails_sent"] == stats["total_enrolled"] == stats["revenue_generated"] == 0
    assert [one["sent"] for one in stats["steps"]] == [0, 0]


def test_a_script_starts_campaigns_of_a_kind_by_address(empty_studio: Studio, mia: Caller) -> None:
    campaign_id = make_campaign(mia, "order_placed")
    make_contact(mia, email="script@example.com")
    with empty_studio.uplink() as script:
        found = script.call("check_campaign_triggers", "SCRIPT@example.com", "order_placed")
        nobody = script.call("check_campaign_triggers", "nobody@example.com", "order_placed")
    assert (found["enrolled"], nobody["enrolled"]) == (1, 0)
    assert planned(empty_studio, campaign_id) == 1


def test_ready_made_campaigns_are_complete_drafts(mia: Caller) -> None:
    """Those of the features that are on, made at set-up; what was deleted comes when asked for."""
    listed = mia.call("list_campaigns", status="draft", page_size=100)["campaigns"]
    found = {one["campaign_name"]: one["campaign_id"] for one in listed}
    assert {"Welcome to new contacts", "Thank you after a visit"} <= set(found)
    assert "After an order" not in found
    assert mia.call("add_ready_made_campaigns")["added"] == 0
    mia.call("delete_campaign", found["Welcome to new contacts"])
    assert mia.call("add_ready_made_campaigns")["added"] == 1
    for campaign_id in (found["Thank you after a visit"], found["Win back lost customers"]):
        assert mia.call("resume_campaign", campaign_id)["campaign"]["status"] == "active"
        mia.call("archive_campaign", campaign_id)


ZONE = "Africa/Johannesburg"  # two hours before UTC, all year


def wait(delay: int, unit: str, hour: int | None = None, weekdays: tuple[int, ...] = ()) -> Any:
    return {"delay": delay, "unit": unit, "hour": hour, "weekdays": list(weekdays)}


@pytest.mark.parametrize(
    ("name", "given", "zone", "after", "expected"),
    [
        ("at once", wait(0, "days"), ZONE, "2026-03-04T10:30", "2026-03-04T10:30"),
        ("minutes", wait(20, "minutes"), ZONE, "2026-03-04T10:30", "2026-03-04T10:50"),
        ("hours over midnight", wait(20, "hours"), ZONE, "2026-03-04T10:30", "2026-03-05T06:30"),
        ("days at nine", wait(2, "days", 9), ZONE, "2026-03-04T10:30", "2026-03-06T07:00"),
        ("nine is over today", wait(0, "days", 9), ZONE, "2026-03-04T10:30", "2026-03-05T07:00"),
        ("weekdays only", wait(1, "days", 9, (0, 1)), ZONE, "2026-03-06T08:00", "2026-03-09T07:00"),
        (
            "a weekday begins",
            wait(0, "days", None, (0,)),
            ZONE,
            "2026-03-06T08:00",
            "2026-03-08T22:00",
        ),
        (
            "a day of 23 hours",
            wait(1, "days"),
            "Europe/Berlin",
            "2026-03-28T08:00",
            "2026-03-29T07:00",
        ),
        (
            "an hour that is left out",
            wait(1, "days", 2),
            "Europe/Berlin",
            "2026-03-28T08:00",
            "2026-03-29T01:00",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_due(name: str, given: Any, zone: str, after: str, expected: str) -> None:
    begin = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert due_at(given, begin, zone) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_campaign_comes_each_year_on_a_birthday(empty_studio: Studio, mia: Caller) -> None:
    settings = {"date_field": "birthday", "is_yearly": True}
    campaign_id = make_campaign(mia, "date", settings=settings)
    today = datetime.now(ZoneInfo("Africa/Johannesburg")).date()
    born = today.replace(year=1988)  # a leap year: every day of the year is in it
    theirs = make_contact(mia, birthday=born.isoformat())
    make_contact(mia, birthday=(born - timedelta(days=1)).isoformat())
    make_contact(mia)
    with empty_studio.uplink() as script:
        for _ in range(2):
            script.call("run_schedule_now", job="campaign_dates")
    found = mia.call("list_enrollments", campaign_id)["enrollments"]
    assert [each["contact_id"] for each in found] == [theirs]


def test_anniversaries_of_the_29th_of_february_come_each_year() -> None:
    days = matching_days(datetime(2027, 2, 28).date(), 0, True)
    assert {(day.year, day.month, day.day) for day in days} >= {(2024, 2, 29), (2026, 2, 28)}
    assert max(day.year for day in days) == 2026
    leap = matching_days(datetime(2028, 2, 28).date(), 0, True)
    assert all(day.day == 28 for day in leap)
    assert matching_days(datetime(2026, 3, 1).date(), -3, False) == [datetime(2026, 3, 4).date()]
