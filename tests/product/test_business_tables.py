"""What the database itself refuses of bookings, payments, products and tasks."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.product.studio import Studio

NOW = "2026-03-14T09:00:00+02:00"
LATER = "2026-03-14T10:00:00+02:00"
ROWS: dict[str, dict[str, Any]] = {
    "bookings": {
        "number": 1,
        "booking_number": "B-1",
        "resource_id": "room-1",
        "start_at": NOW,
        "end_at": LATER,
        "status": "confirmed",
        "payment_status": "unpaid",
        "attendee_count": 1,
        "total_cents": 22_000,
        "deposit_cents": 0,
        "currency": "ZAR",
    },
    "payments": {
        "number": 1,
        "payment_number": "P-1",
        "kind": "booking",
        "status": "captured",
        "method": "card",
        "provider": "stripe",
        "provider_payment_id": "pi_1",
        "currency": "ZAR",
        "amount_cents": 22_000,
        "tip_cents": 2_000,
        "tax_cents": 3_000,
        "fee_cents": 600,
        "refunded_cents": 0,
        "captured_at": NOW,
        "created_at": NOW,
    },
    "products": {
        "name": "Cork mat",
        "slug": "cork-mat",
        "status": "active",
        "price_cents": 95_000,
        "currency": "ZAR",
        "track_inventory": True,
        "inventory_count": 5,
        "reserved_count": 0,
        "low_stock_threshold": 2,
        "is_low_stock": False,
    },
    "tasks": {
        "title": "Call Nomvula",
        "task_type": "custom",
        "due_date": "2026-03-14",
        "status": "pending",
        "is_auto_generated": False,
    },
}


def insert(studio: Studio, table: str, **changes: Any) -> None:
    row = {**ROWS[table], **changes}
    marks = ", ".join(["%s"] * len(row))
    studio.query(f"INSERT INTO app.{table} ({', '.join(row)}) VALUES ({marks})", *row.values())


@pytest.fixture
def clean(empty_studio: Studio) -> Studio:
    for table in ("payments", "tasks", "products", "bookings"):
        empty_studio.query(f"DELETE FROM app.{table}")
    return empty_studio


# Of each table: what is changed in a row that stands alone, and the rule that refuses it.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("bookings", {"end_at": NOW}, "bookings_end_after_start"),
    ("bookings", {"start_at": None}, "bookings_is_complete"),
    ("bookings", {"status": "maybe"}, "bookings_status_known"),
    ("bookings", {"status": None}, "bookings_status_known"),
    ("bookings", {"payment_status": "free"}, "bookings_payment_status_known"),
    ("bookings", {"attendee_count": 0}, "bookings_someone_comes"),
    ("bookings", {"total_cents": -1}, "bookings_money_not_negative"),
    ("bookings", {"total_cents": 1.5}, "bookings_money_not_negative"),
    ("bookings", {"deposit_cents": 22_001}, "bookings_money_not_negative"),
    ("bookings", {"status": "cancelled"}, "bookings_cancelled_has_a_time"),
    ("payments", {"amount_cents": -1}, "payments_money_not_negative"),
    ("payments", {"tip_cents": None}, "payments_money_not_negative"),
    ("payments", {"fee_cents": 0.5}, "payments_money_not_negative"),
    ("payments", {"refunded_cents": 22_001}, "payments_refund_fits"),
    ("payments", {"tip_cents": 20_000}, "payments_parts_fit"),
    ("payments", {"status": "paid", "captured_at": None}, "payments_status_known"),
    ("payments", {"method": "shells"}, "payments_method_known"),
    ("payments", {"kind": "gift"}, "payments_kind_known"),
    ("payments", {"provider": "mattress"}, "payments_provider_known"),
    ("payments", {"currency": "zar"}, "payments_currency_is_a_code"),
    ("payments", {"currency": None}, "payments_currency_is_a_code"),
    ("payments", {"captured_at": None}, "payments_captured_has_a_time"),
    ("payments", {"status": "failed", "captured_at": None}, "payments_failed_has_a_time"),
    (
        "payments",
        {"status": "authorized", "captured_at": None, "refunded_cents": 1},
        "payments_refund_of_captured",
    ),
    ("products", {"price_cents": -1}, "products_money_not_negative"),
    ("products", {"status": "sold"}, "products_status_known"),
    ("products", {"inventory_count": -1, "is_low_stock": True}, "products_stock_not_negative"),
    ("products", {"reserved_count": 6, "is_low_stock": True}, "products_stock_not_negative"),
    ("products", {"inventory_count": 2}, "products_low_stock_is_true"),
    ("products", {"reserved_count": 3}, "products_low_stock_is_true"),
    ("products", {"status": "draft", "is_low_stock": True}, "products_low_stock_is_true"),
    (
        "products",
        {"sale_starts_at": LATER, "sale_ends_at": NOW},
        "products_sale_ends_after_start",
    ),
    ("tasks", {"title": None}, "tasks_is_complete"),
    ("tasks", {"task_type": "nap"}, "tasks_type_known"),
    ("tasks", {"status": "done"}, "tasks_status_known"),
    ("tasks", {"status": "completed"}, "tasks_completed_has_a_time"),
    ("tasks", {"completed_at": NOW}, "tasks_completed_has_a_time"),
]


@pytest.mark.parametrize("table", sorted(ROWS))
def test_takes_a_row_that_is_right(clean: Studio, table: str) -> None:
    insert(clean, table)


@pytest.mark.parametrize(("table", "changes", "rule"), REFUSED)
def test_refuses_a_row_that_is_wrong(
    clean: Studio, table: str, changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        insert(clean, table, **changes)
    assert refusal.value.diag.constraint_name == rule


def test_a_resource_is_booked_once_at_a_time(clean: Studio) -> None:
    insert(clean, "bookings")
    second = {"number": 2, "booking_number": "B-2"}
    overlapping = {"start_at": "2026-03-14T09:59:59+02:00", "end_at": "2026-03-14T11:00:00+02:00"}
    with pytest.raises(psycopg.errors.ExclusionViolation, match="bookings_no_overlap"):
        insert(clean, "bookings", **second, **overlapping)
    # Right after it, in another room, and as one more place in a class.
    insert(clean, "bookings", **second, start_at=LATER, end_at="2026-03-14T11:00:00+02:00")
    insert(clean, "bookings", number=3, booking_number="B-3", resource_id="room-2")
    insert(clean, "bookings", number=4, booking_number="B-4", resource_id=None)
    insert(clean, "bookings", number=5, booking_number="B-5", resource_id=None)


def test_a_cancelled_booking_frees_its_time_and_cannot_come_back(clean: Studio) -> None:
    insert(clean, "bookings", status="cancelled", cancelled_at=NOW)
    insert(clean, "bookings", number=2, booking_number="B-2")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        clean.query(
            "UPDATE app.bookings SET status = 'confirmed', cancelled_at = NULL WHERE number = 1"
        )


@pytest.mark.parametrize(
    ("table", "changes", "rule"),
    [
        ("bookings", {"booking_number": "B-2", "resource_id": None}, "bookings_number_unique"),
        ("payments", {"number": 2, "payment_number": "P-2"}, "payments_provider_payment_unique"),
        ("products", {"slug": "Cork-Mat"}, "products_slug_unique"),
    ],
)
def test_refuses_a_second_one(
    clean: Studio, table: str, changes: dict[str, Any], rule: str
) -> None:
    insert(clean, table)
    with pytest.raises(psycopg.errors.UniqueViolation) as refusal:
        insert(clean, table, **changes)
    assert refusal.value.diag.constraint_name == rule


def test_a_repeated_request_makes_no_second_row(clean: Studio) -> None:
    insert(clean, "bookings", idempotency_key="once", resource_id=None)
    with pytest.raises(psycopg.errors.UniqueViolation, match="bookings_idempotency_key"):
        insert(
            clean,
            "bookings",
            number=2,
            booking_number="B-2",
            idempotency_key="once",
            resource_id=None,
        )
    insert(clean, "payments", idempotency_key="once")
    other = {"number": 2, "payment_number": "P-2", "provider_payment_id": "pi_2"}
    with pytest.raises(psycopg.errors.UniqueViolation, match="payments_idempotency_key"):
        insert(clean, "payments", **other, idempotency_key="once")
    # Another provider's key is another matter.
    insert(clean, "payments", **other, idempotency_key="once", provider="paypal")
    insert(clean, "tasks", automation_key="follow-up B-1")
    with pytest.raises(psycopg.errors.UniqueViolation, match="tasks_automation_key"):
        insert(clean, "tasks", automation_key="follow-up B-1")
