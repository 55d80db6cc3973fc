"""What somebody books, buys and gets back counts once; and the stages that time brings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from master_template.server_customers.lifecycle import stage_of
from tests.product.studio import Caller, Refused, Studio

ZONE = ZoneInfo("Africa/Johannesburg")


@pytest.fixture(scope="module")
def script(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.uplink() as caller:
        yield caller


def record(script: Caller, email: str, kind: str, number: str, cents: int, **more: Any) -> Any:
    return script.call("update_contact_from_transaction", email, kind, number, cents, **more)


def sums(studio: Studio, contact_id: str) -> tuple[Any, ...]:
    [row] = studio.query(
        "SELECT total_spent_cents::int, total_transactions::int, average_order_value_cents::int, "
        "status, lifecycle_stage FROM app.contacts WHERE contact_id = %s",
        contact_id,
    )
    return row


def test_somebody_unknown_becomes_a_contact(script: Caller, empty_studio: Studio) -> None:
    answer = record(script, " Ann@Example.COM", "booking", "B-1", 45000, first_name="Ann")
    assert answer["is_new"] is True
    with empty_studio.person("olga") as olga:
        contact = olga.call("get_contact", answer["contact_id"])["contact"]
        assert (contact["email"], contact["source"], contact["first_name"]) == (
            "ann@example.com",
            "booking",
            "Ann",
        )
        timeline = olga.call("get_contact_timeline", answer["contact_id"])["timeline"]
        assert [event["event_type"] for event in timeline] == ["booking", "created"]
        assert timeline[0]["related_id"] == "B-1"
        assert timeline[0]["event_data"]["amount_cents"] == 45000
    assert sums(empty_studio, answer["contact_id"]) == (45000, 1, 45000, "customer", "active")


def counted(studio: Studio, contact_id: str) -> tuple[Any, ...]:
    """Orders and bookings of a contact, and whether each has a last one."""
    [row] = studio.query(
        "SELECT orders_count::int, last_order_at IS NOT NULL, bookings_count::int, "
        "last_transaction_at IS NOT NULL FROM app.contacts WHERE contact_id = %s",
        contact_id,
    )
    return row


def test_what_is_told_twice_counts_once(script: Caller, empty_studio: Studio) -> None:
    first = record(script, "ben@example.com", "order", "O-1", 1001)
    again = record(script, "Ben@example.com", "order", "O-1", 1001)
    assert (again["is_new"], again["contact_id"]) == (False, first["contact_id"])
    record(script, "ben@example.com", "order", "O-2", 1000)
    assert sums(empty_studio, first["contact_id"])[:3] == (2001, 2, 1001)
    assert counted(empty_studio, first["contact_id"]) == (2, True, None, True)
    record(script, "ben@example.com", "booking", "B-1b", 500)
    record(script, "ben@example.com", "payment", "P-1", 500)
    assert counted(empty_studio, first["contact_id"]) == (2, True, 1, True)
    with pytest.raises(Refused, match="transaction_differs"):
        record(script, "ben@example.com", "order", "O-2", 999)


def test_a_refund_takes_away_and_is_no_purchase(script: Caller, empty_studio: Studio) -> None:
    bought = record(script, "cat@example.com", "order", "O-10", 5000)
    record(script, "cat@example.com", "refund", "R-10", 2000)
    record(script, "cat@example.com", "refund", "R-10", 2000)
    assert sums(empty_studio, bought["contact_id"])[:3] == (3000, 1, 3000)
    record(script, "cat@example.com", "refund", "R-11", 9000)
    assert sums(empty_studio, bought["contact_id"])[:3] == (0, 1, 0)
    assert counted(empty_studio, bought["contact_id"])[:2] == (1, True)
    with pytest.raises(Refused, match="not_found"):
        record(script, "nobody@example.com", "refund", "R-12", 1)


def test_another_currency_is_recorded_and_not_added(script: Caller, empty_studio: Studio) -> None:
    contact = record(script, "dan@example.com", "order", "O-20", 5000)["contact_id"]
    record(script, "dan@example.com", "order", "O-21", 700, currency="EUR")
    assert sums(empty_studio, contact)[:2] == (5000, 2)
    assert empty_studio.query(
        "SELECT amount_cents::int, currency FROM app.contact_transactions "
        "WHERE transaction_id = 'O-21'"
    ) == [(700, "EUR")]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (("nonsense", "order", "O-30", 1), "email"),
        (("eve@example.com", "gift", "O-30", 1), "transaction_type"),
        (("eve@example.com", "order", "", 1), "transaction_id"),
        (("eve@example.com", "order", "O-30", -1), "amount"),
        (("eve@example.com", "order", "O-30", 1.5), "amount"),
    ],
)
def test_nonsense_is_refused_at_its_field(script: Caller, given: Any, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        record(script, *given)
    assert set(refusal.value.fields) == {field}


def test_no_browser_may_tell_of_transactions(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga, pytest.raises(Refused, match="permission_denied"):
        record(olga, "fay@example.com", "order", "O-40", 1)


def test_many_at_once_count_each_once(empty_studio: Studio) -> None:
    """Four scripts tell the same five orders of somebody whom nobody knows yet."""
    problems: list[BaseException] = []

    def tell_all() -> None:
        with empty_studio.uplink() as script:
            for number in range(5):
                while True:
                    try:
                        record(script, "gus@example.com", "order", f"O-5{number}", 100)
                    except Refused as refusal:
                        if refusal.code == "busy":
                            continue
                        problems.append(refusal)
                    break

    threads = [threading.Thread(target=tell_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems
    [(contact,)] = empty_studio.query(
        "SELECT contact_id FROM app.contacts WHERE email = 'gus@example.com'"
    )
    assert sums(empty_studio, contact)[:2] == (500, 5)


@pytest.mark.parametrize(
    ("days", "transactions", "stage"),
    [
        (0, 0, "new"),
        (90, 0, "new"),
        (30, 1, "active"),
        (31, 1, "active"),
        (90, 1, "active"),
        (91, 1, "at_risk"),
        (180, 0, "at_risk"),
        (181, 1, "lost"),
    ],
)
def test_stages_go_by_days_of_the_business(days: int, transactions: int, stage: str) -> None:
    today = date(2026, 5, 14)
    for hour in (0, 23):
        last = datetime(2026, 5, 14, hour, 30, tzinfo=ZONE) - timedelta(days=days)
        assert stage_of(last.astimezone(UTC), transactions, today, ZONE) == stage


def test_the_night_moves_who_is_in_the_wrong_stage(script: Caller, empty_studio: Studio) -> None:
    contacts = {}
    for days in (10, 60, 91, 181):
        email = f"night{days}@example.com"
        contacts[days] = record(script, email, "order", f"N-{days}", 100)["contact_id"]
        empty_studio.query(
            "UPDATE app.contacts SET last_contact_date = now() - %s * interval '1 day' "
            "WHERE email = %s",
            days,
            email,
        )
    [run] = script.call("run_schedule_now", job="lifecycle")["runs"]
    assert (run["state"], run["figures"]) == (
        "done",
        {"new": 0, "active": 0, "at_risk": 1, "lost": 1},
    )
    stages = {days: sums(empty_studio, contact)[4] for days, contact in contacts.items()}
    assert stages == {10: "active", 60: "active", 91: "at_risk", 181: "lost"}
    [run] = script.call("run_schedule_now", job="lifecycle")["runs"]
    assert set(run["figures"].values()) == {0}
    with empty_studio.person("olga") as olga:
        told = olga.call("get_contact_timeline", contacts[181], visibility="internal")["timeline"]
        assert told[0]["event_data"] == {"from": "active", "to": "lost"}


def test_bookings_that_begin_move_from_next_to_last(script: Caller, empty_studio: Studio) -> None:
    contact = record(script, "hal@example.com", "booking", "B-70", 100)["contact_id"]
    empty_studio.query(
        "INSERT INTO app.bookings (number, booking_number, contact, start_at, end_at, status, "
        "payment_status, attendee_count, total_cents, deposit_cents, currency) "
        "SELECT n, 'B-7' || n, c._id, now() + (n * interval '1 day'), "
        "now() + (n * interval '1 day') + interval '1 hour', "
        "'confirmed', 'unpaid', 1, 0, 0, 'ZAR' "
        "FROM app.contacts c, unnest(ARRAY[-2, -1, 3, 4]) n WHERE c.contact_id = %s",
        contact,
    )
    empty_studio.query(
        "UPDATE app.contacts SET next_booking_at = now() - interval '1 minute' "
        "WHERE contact_id = %s",
        contact,
    )
    [run] = script.call("run_schedule_now", job="booking_dates")["runs"]
    assert run["figures"] == {"contacts": 1}
    [(count, last, following)] = empty_studio.query(
        "SELECT bookings_count::int, round(extract(epoch from last_booking_at - now()) / 86400)"
        "::int, round(extract(epoch from next_booking_at - now()) / 86400)::int "
        "FROM app.contacts WHERE contact_id = %s",
        contact,
    )
    assert (count, last, following) == (4, -1, 3)
