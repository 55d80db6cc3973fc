"""Tasks: made by people and by rules, found by when they are due, finished, put off and undone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.product.studio import Caller, Refused, Studio
from tests.product.test_dashboard import put_in_objects

ZONE = ZoneInfo("Africa/Johannesburg")


def today() -> date:
    return datetime.now(UTC).astimezone(ZONE).date()


def in_days(days: int) -> str:
    return (today() + timedelta(days=days)).isoformat()


@pytest.fixture(scope="module")
def olga(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.person("olga") as caller:
        yield caller


@pytest.fixture
def clean(empty_studio: Studio) -> Studio:
    for table in ("tasks", "task_rules", "bookings"):
        empty_studio.query(f"DELETE FROM app.{table}")
    return empty_studio


def add(caller: Caller, title: str, days: int, **more: Any) -> str:
    given = {"task_title": title, "due_date": in_days(days), **more}
    task_id = caller.call("create_task", given)["task_id"]
    assert isinstance(task_id, str)
    return task_id


def add_contact(caller: Caller, name: str, **more: Any) -> str:
    email = f"{name.lower()}@tasks.example"
    given = {"first_name": name, "last_name": "Tester", "email": email, **more}
    contact_id = caller.call("create_contact", given)["contact"]["contact_id"]
    assert isinstance(contact_id, str)
    return contact_id


def titles(caller: Caller, **filters: Any) -> list[str]:
    return [task["task_title"] for task in caller.call("list_tasks", **filters)["tasks"]]


def test_a_task_has_the_keys_that_were_agreed(clean: Studio, olga: Caller) -> None:
    contact_id = add_contact(olga, "Keys")
    task_id = add(olga, "Call back", 1, contact_id=contact_id, task_type="call", notes="At noon")
    answer = olga.call("get_all_tasks", {"completed": False})
    put_in_objects(answer, olga.socket.last["objects"])
    [task] = answer["tasks"]
    assert {
        "task_id": task_id,
        "task_title": "Call back",
        "task_type": "call",
        "due_date": today() + timedelta(days=1),
        "completed": False,
        "completed_date": None,
        "notes": "At noon",
        "auto_generated": False,
        "contact_name": "Keys Tester",
        "contact_email": "keys@tasks.example",
    }.items() <= task.items()


def test_the_views_go_by_the_businesss_day(clean: Studio, olga: Caller) -> None:
    for title, days in (("Late", -1), ("Now", 0), ("Soon", 6), ("Later", 7)):
        add(olga, title, days)
    done = add(olga, "Done", -3)
    olga.call("complete_task", done)
    assert titles(olga) == ["Late", "Now", "Soon", "Later"]
    assert titles(olga, view="overdue") == ["Late"]
    assert titles(olga, view="today") == ["Now"]
    assert titles(olga, view="week") == ["Now", "Soon"]
    assert titles(olga, view="done") == ["Done"]
    assert titles(olga, search="so") == ["Soon"]
    assert titles(olga, search="100%") == []
    counts = olga.call("list_tasks")["counts"]
    assert counts == {"open": 4, "overdue": 1, "today": 1, "week": 2, "done": 1}
    assert [
        task["task_title"] for task in olga.call("get_all_tasks", {"overdue": True})["tasks"]
    ] == ["Late"]
    page = olga.call("list_tasks", offset=1, page_size=2)
    assert ([task["task_title"] for task in page["tasks"]], page["total"]) == (["Now", "Soon"], 4)


def test_finishing_tells_the_timeline_and_can_be_undone(clean: Studio, olga: Caller) -> None:
    contact_id = add_contact(olga, "Finish")
    task_id = add(olga, "Send the papers", 0, contact_id=contact_id)

    def told() -> list[str]:
        timeline = olga.call("get_contact_timeline", contact_id)["timeline"]
        return [event["description"] for event in timeline]

    assert olga.call("complete_task", task_id)["task"]["completed_by"] == "Olga Naidoo"
    olga.call("complete_task", task_id)
    assert told().count("Done: Send the papers") == 1
    assert olga.call("reopen_task", task_id)["task"]["completed"] is False
    assert "Done: Send the papers" not in told()
    assert [task["task_id"] for task in olga.call("get_contact_tasks", contact_id)["tasks"]] == [
        task_id
    ]


def test_putting_off_remembers_the_first_day(clean: Studio, olga: Caller) -> None:
    task_id = add(olga, "Tidy up", -2)
    olga.call("snooze_task", task_id, in_days(1))
    olga.call("snooze_task", task_id, in_days(5))
    [row] = clean.query("SELECT due_date, snoozed_from FROM app.tasks")
    assert row == (today() + timedelta(days=5), today() - timedelta(days=2))
    with pytest.raises(Refused, match="today or a day to come") as refusal:
        olga.call("snooze_task", task_id, in_days(-1))
    assert "due_date" in refusal.value.fields


def test_several_at_once(clean: Studio, olga: Caller) -> None:
    tasks = [add(olga, f"Task {number}", number) for number in range(3)]
    people = {each["name"]: each["user_id"] for each in olga.call("list_task_people")["people"]}
    assert "Carl Tester" not in people
    changed = olga.call("change_tasks", tasks, "assign", assigned_to=people["Sam Tester"])
    assert changed["changed"] == 3
    assert olga.call("change_tasks", tasks[:2], "complete")["changed"] == 2
    assert olga.call("change_tasks", tasks, "complete")["changed"] == 1
    assert olga.call("change_tasks", tasks, "reopen")["changed"] == 3
    assert olga.call("change_tasks", tasks, "snooze", days=9)["changed"] == 3
    assert olga.call("change_tasks", [*tasks, "[1,999999]"], "delete")["changed"] == 3
    assert titles(olga, view="all") == []


def test_staff_finish_what_is_theirs_and_nothing_else(clean: Studio, olga: Caller) -> None:
    people = {each["name"]: each["user_id"] for each in olga.call("list_task_people")["people"]}
    own = add(olga, "Sam's", 0, assigned_to=people["Sam Tester"])
    other = add(olga, "Mia's", 0, assigned_to=people["Mia Tester"])
    with clean.person("sam") as sam:
        assert titles(sam, whose="mine") == ["Sam's"]
        sam.call("complete_task", own)
        for refused in (
            lambda: sam.call("complete_task", other),
            lambda: sam.call("change_tasks", [own, other], "complete"),
            lambda: sam.call("change_tasks", [own], "delete"),
            lambda: sam.call("delete_task", own),
            lambda: add(sam, "New", 0),
        ):
            with pytest.raises(Refused, match="permission_denied"):
                refused()
    assert titles(olga, view="open") == ["Mia's"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"task_title": " "}, "task_title"),
        ({"due_date": "tomorrow"}, "due_date"),
        ({"due_date": None}, "due_date"),
        ({"task_type": "party"}, "task_type"),
        ({"assigned_to": "[1,999999]"}, "assigned_to"),
    ],
)
def test_nonsense_is_refused_at_its_field(olga: Caller, given: Any, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        olga.call("create_task", {"task_title": "Fine", "due_date": in_days(1), **given})
    assert set(refusal.value.fields) == {field}


def test_an_edit_does_not_overwrite_another(clean: Studio, olga: Caller) -> None:
    task_id = add(olga, "Draft", 1)
    assert olga.call("update_task", task_id, {"task_title": "Mine"}, 1)["version"] == 2
    with pytest.raises(Refused, match="edited_meanwhile"):
        olga.call("update_task", task_id, {"task_title": "Theirs"}, 1)
    olga.call("update_task", task_id, {"notes": "No version, no question"})
    assert titles(olga) == ["Mine"]


def book(studio: Studio, contact_id: str, number: str, start: timedelta, status: str) -> None:
    studio.query(
        "INSERT INTO app.bookings (number, booking_number, contact, start_at, end_at, status, "
        "payment_status, attendee_count, total_cents, deposit_cents, currency, cancelled_at, "
        "service_snapshot) "
        "SELECT %s, %s, _id, now() + %s, now() + %s + interval '1 hour', %s, 'unpaid', 1, 0, 0, "
        """'ZAR', CASE WHEN %s THEN now() END, '{"name": "Sea view"}' """
        "FROM app.contacts WHERE contact_id = %s",
        int(number[2:]),
        number,
        start,
        start,
        status,
        status == "cancelled",
        contact_id,
    )


def make(script: Caller) -> dict[str, int]:
    [run] = script.call("run_schedule_now", job="automatic_tasks")["runs"]
    assert run["state"] == "done", run
    figures: dict[str, int] = run["figures"]
    return figures


def switch(olga: Caller, name: str, **changes: Any) -> None:
    [rule] = [rule for rule in olga.call("list_task_rules")["rules"] if rule["name"] == name]
    values = {key: rule[key] for key in ("is_enabled", "days", "title", "assigned_to")}
    olga.call("update_task_rule", name, {**values, **changes}, rule["version"])


def test_rules_make_each_task_once(clean: Studio, olga: Caller) -> None:
    guest, gone = add_contact(olga, "Guest"), add_contact(olga, "Gone")
    book(clean, guest, "B-1", timedelta(days=3), "confirmed")
    book(clean, guest, "B-2", timedelta(days=30), "confirmed")
    book(clean, guest, "B-3", timedelta(days=4), "cancelled")
    book(clean, guest, "B-4", timedelta(days=-2), "completed")
    book(clean, guest, "B-5", timedelta(days=-3), "completed")
    clean.query(
        "UPDATE app.contacts SET lifecycle_stage = 'lost', total_transactions = 2, "
        "last_contact_date = now() - interval '183 days' WHERE contact_id = %s",
        gone,
    )
    with clean.uplink() as script:
        assert make(script) == {"win_back": 1}  # what a business of appointments starts with
        for name in ("arrival_instructions", "follow_up", "review_request"):
            switch(olga, name, is_enabled=True)
        assert make(script) == {
            "arrival_instructions": 1,
            "follow_up": 2,
            "review_request": 1,  # one for the person, not for each stay
            "win_back": 0,
        }
        made = {
            task["task_type"]: task
            for task in olga.call("get_all_tasks", {"completed": False})["tasks"]
        }
        assert made["arrival_instructions"]["task_title"].startswith(
            "Send arrival instructions to Guest Tester for "
        )
        assert made["arrival_instructions"]["booking_number"] == "B-1"
        assert made["follow_up"]["task_title"] == "Ask Guest Tester how it was: Sea view"
        assert made["win_back"]["contact_id"] == gone
        assert all(task["auto_generated"] for task in made.values())
        # Neither finished nor deleted ones come back.
        olga.call("complete_task", made["win_back"]["task_id"])
        olga.call("delete_task", made["arrival_instructions"]["task_id"])
        assert set(make(script).values()) == {0}
        assert "Send arrival" not in " ".join(titles(olga, view="all"))


def test_rules_can_be_changed_and_switched_off(clean: Studio, olga: Caller) -> None:
    guest = add_contact(olga, "Ruled")
    book(clean, guest, "B-11", timedelta(days=1, hours=2), "confirmed")
    people = {each["name"]: each["user_id"] for each in olga.call("list_task_people")["people"]}
    changes = {"title": "Key for {name}", "days": 2, "assigned_to": people["Sam Tester"]}
    switch(olga, "arrival_instructions", is_enabled=True, **changes)
    switch(olga, "win_back", is_enabled=False)
    with clean.uplink() as script:
        assert make(script) == {"arrival_instructions": 1}
    [task] = olga.call("get_all_tasks")["tasks"]
    assert (task["task_title"], task["assigned_name"]) == ("Key for Ruled Tester", "Sam Tester")
    with pytest.raises(Refused, match="not nickname") as refusal:
        switch(olga, "arrival_instructions", title="Hello {nickname}")
    assert set(refusal.value.fields) == {"title"}
    with pytest.raises(Refused, match="edited_meanwhile"):
        olga.call(
            "update_task_rule",
            "win_back",
            {"is_enabled": True, "days": 1, "title": "x", "assigned_to": None},
            0,
        )
    with clean.person("mia") as mia, pytest.raises(Refused, match="permission_denied"):
        switch(mia, "win_back", is_enabled=True)


def test_who_sees_a_part_sees_its_tasks_only(clean: Studio, olga: Caller) -> None:
    inside = add_contact(olga, "Inside", tags=["north"])
    outside = add_contact(olga, "Outside")
    people = {each["name"]: each["user_id"] for each in olga.call("list_task_people")["people"]}
    shown = add(olga, "Inside", 0, contact_id=inside)
    hidden = add(olga, "Outside", 0, contact_id=outside)
    add(olga, "Nobody's", 0)
    add(olga, "Own", 0, contact_id=outside, assigned_to=people["Mia Tester"])
    scope = """{"can_manage_all": false, "customer_tags": ["north"]}"""
    mia = "UPDATE app.users SET scope = %s::jsonb WHERE first_name = 'Mia'"
    clean.query(mia, scope)
    try:
        with clean.person("mia") as caller:
            assert sorted(titles(caller)) == ["Inside", "Own"]
            assert caller.call("list_tasks")["counts"]["open"] == 2
            caller.call("complete_task", shown)
            with pytest.raises(Refused, match="not_found"):
                caller.call("complete_task", hidden)
            assert caller.call("change_tasks", [hidden], "delete")["changed"] == 0
            add(caller, "Mia's own", 1)
            assert "Mia's own" in titles(caller)
    finally:
        clean.query(mia, None)
