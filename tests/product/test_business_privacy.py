"""Bookings, payments and tasks of a person: given to them, erased, and deleted in time."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.product.studio import Caller, Studio
from tests.product.test_business_tables import insert
from tests.product.test_privacy_erasure import everything
from tests.product.test_privacy_export import export_json
from tests.product.test_privacy_retention import launch

_numbers = itertools.count(100)


def add_contact(studio: Studio, caller: Caller, first_name: str) -> tuple[str, int]:
    """The contact's id and the id of its row."""
    given = {"first_name": first_name, "last_name": "Silva"}
    contact_id = caller.call("create_contact", given)["contact"]["contact_id"]
    [(row_id,)] = studio.query("SELECT _id FROM app.contacts WHERE contact_id = %s", contact_id)
    return contact_id, row_id


def add(studio: Studio, table: str, **changes: Any) -> int:
    number = next(_numbers)
    numbers = {
        "bookings": {"number": number, "booking_number": f"B-{number}", "resource_id": None},
        "payments": {
            "number": number,
            "payment_number": f"P-{number}",
            "provider_payment_id": f"pi_{number}",
        },
    }
    insert(studio, table, **{**numbers.get(table, {}), **changes})
    [(row_id,)] = studio.query(f"SELECT max(_id) FROM app.{table}")
    return int(row_id)


def add_business(studio: Studio, contact: int, name: str, *, paid: bool) -> int:
    """A booking and a task of someone, with words about them; with a payment if there is one."""
    [(staff,)] = studio.query("SELECT _id FROM app.users WHERE role = 'staff'")
    booking = add(
        studio,
        "bookings",
        contact=contact,
        assigned_to=staff,
        notes=f"{name} has a bad knee",
        service_snapshot=json.dumps({"name": "Yin", "answer": f"{name} says hello"}),
    )
    add(studio, "tasks", contact=contact, assigned_to=staff, title=f"Call {name}")
    add(studio, "tasks", booking=booking, title=f"Mat for {name}")
    if paid:
        add(
            studio,
            "payments",
            contact=contact,
            booking=booking,
            provider_metadata=json.dumps({"payer": f"{name} Silva"}),
        )
    return booking


def test_an_export_has_everything_and_nobody_elses(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        contact_id, contact = add_contact(empty_studio, mia, "Quintessa")
        _, other = add_contact(empty_studio, mia, "Other")
        add_business(empty_studio, contact, "Quintessa", paid=True)
        add(empty_studio, "bookings", contact=other, notes="Not hers")
        document = export_json(mia, "export_contact_data", contact_id)
    tables = document["tables"]
    assert {name: len(tables[name]) for name in ("bookings", "payments", "tasks")} == {
        "bookings": 1,
        "payments": 1,
        "tasks": 2,
    }
    assert "Not hers" not in json.dumps(document)


def test_without_money_all_of_it_goes(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        contact_id, contact = add_contact(empty_studio, mia, "Perpetua")
        add_business(empty_studio, contact, "Perpetua", paid=False)
        answer = mia.call("erase_contact", contact_id)
    assert answer["kept_for_tax"] is False
    assert (answer["tables"]["bookings"], answer["tables"]["tasks"]) == (1, 2)
    assert "Perpetua" not in everything(empty_studio)


def test_with_money_the_books_stay_and_the_person_goes(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        contact_id, contact = add_contact(empty_studio, mia, "Ottoline")
        booking = add_business(empty_studio, contact, "Ottoline", paid=True)
        assert mia.call("erase_contact", contact_id)["kept_for_tax"] is True
    [kept] = empty_studio.query(
        "SELECT total_cents, currency, notes, service_snapshot FROM app.bookings WHERE _id = %s",
        booking,
    )
    assert kept == (22_000, "ZAR", None, {"name": "Yin"})
    [paid] = empty_studio.query(
        "SELECT amount_cents, status, provider_metadata FROM app.payments WHERE booking = %s",
        booking,
    )
    assert paid == (22_000, "captured", {})
    assert "Ottoline" not in everything(empty_studio)


def test_working_on_something_is_not_being_in_it(empty_studio: Studio) -> None:
    """Tasks and bookings of others stay when someone goes whose account they were assigned to."""
    with empty_studio.uplink() as script, empty_studio.person("mia") as mia:
        script.call(
            "add_staff_user",
            email="dora@yogastudio.example",
            password="correct horse battery",
            first_name="Dora",
            last_name="Vanish",
            role="customer",
        )
        [(dora,)] = empty_studio.query("SELECT _id FROM app.users WHERE first_name = 'Dora'")
        task = add(empty_studio, "tasks", assigned_to=dora, title="Sweep the floor")
        given = {"first_name": "Dora", "last_name": "Vanish", "email": "dora@yogastudio.example"}
        contact_id = mia.call("create_contact", given)["contact"]["contact_id"]
        mia.call("erase_contact", contact_id)
    rows = empty_studio.query("SELECT title, assigned_to FROM app.tasks WHERE _id = %s", task)
    assert rows == [("Sweep the floor", None)]


@pytest.mark.parametrize(
    ("table", "columns", "age", "stays"),
    [
        ("tasks", ("completed_at",), "91 days", False),
        ("tasks", ("completed_at",), "89 days", True),
        ("payments", ("created_at", "captured_at"), "2563 days", False),
        ("payments", ("created_at", "captured_at"), "2550 days", True),
        ("bookings", ("start_at", "end_at"), "2563 days", False),
        ("bookings", ("start_at", "end_at"), "2550 days", True),
    ],
)
def test_goes_when_its_time_has_come(
    empty_studio: Studio, table: str, columns: tuple[str, ...], age: str, stays: bool
) -> None:
    status = {"status": "completed", "completed_at": "2026-01-01T10:00:00Z"}
    row = add(empty_studio, table, **(status if table == "tasks" else {}))
    moments = ", ".join(
        f"{column} = now() - interval '{age}' + interval '{index} hours'"
        for index, column in enumerate(columns)
    )
    empty_studio.query(f"UPDATE app.{table} SET {moments} WHERE _id = %s", row)
    assert launch(empty_studio) == "done"
    assert bool(empty_studio.query(f"SELECT 1 FROM app.{table} WHERE _id = %s", row)) is stays


def test_a_task_that_waits_is_never_too_old(empty_studio: Studio) -> None:
    row = add(empty_studio, "tasks", due_date="2001-01-01")
    assert launch(empty_studio) == "done"
    assert empty_studio.query("SELECT status FROM app.tasks WHERE _id = %s", row) == [("pending",)]
