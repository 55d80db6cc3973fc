"""The sample studio: alive, and true to itself."""

from __future__ import annotations

from typing import Any

from tests.product.studio import DOMAIN, PASSWORD, Studio


def one(studio: Studio, statement: str) -> Any:
    [(value,)] = studio.query(statement)
    return value


def test_the_dashboard_has_something_to_tell(studio: Studio) -> None:
    studio.query(
        "UPDATE app.settings SET features_enabled = features_enabled || '{\"ecommerce\": true}'"
    )
    with studio.person("olga") as olga:
        metrics = olga.call("get_dashboard", True)["metrics"]
    figures = {name: metric["figures"] for name, metric in metrics.items()}
    assert sum(count for _, count in figures["bookings"]["days"]) > 20
    [revenue] = figures["revenue"]["currencies"]
    assert revenue["currency"] == "ZAR" and revenue["last_days"][-1] > 0
    assert figures["tasks"] == {"due": 3, "overdue": 2}
    assert figures["low_stock"]["low"] == 3 and figures["low_stock"]["sold_out"] == 1
    assert figures["failed_payments"]["failed"] == 3


def test_totals_are_the_sums_of_the_payments(studio: Studio) -> None:
    wrong = studio.query(
        "SELECT c.contact_id, c.total_spent_cents, c.total_transactions, sum(p.amount_cents), "
        "count(p) FROM app.contacts c LEFT JOIN app.payments p ON p.contact = c._id AND "
        "p.status = 'captured' GROUP BY c._id HAVING c.total_transactions <> count(p) "
        "OR c.total_spent_cents <> coalesce(sum(p.amount_cents), 0)"
    )
    assert wrong == []
    assert one(studio, "SELECT count(*) FROM app.payments WHERE booking IS NOT NULL") > 50


def test_nothing_has_happened_that_is_still_to_come(studio: Studio) -> None:
    for statement in (
        "SELECT count(*) FROM app.contact_events WHERE event_date > now()",
        "SELECT count(*) FROM app.payments WHERE created_at > now() OR captured_at > now()",
        "SELECT count(*) FROM app.bookings WHERE status = 'completed' AND end_at > now()",
        "SELECT count(*) FROM app.bookings WHERE created_at > now()",
    ):
        assert one(studio, statement) == 0, statement


def test_numbers_follow_each_other(studio: Studio) -> None:
    for table in ("bookings", "payments"):
        count, most = studio.query(f"SELECT count(*), max(number) FROM app.{table}")[0]
        assert count == most
        sequence = f"SELECT value FROM app.sequences WHERE name = '{table}'"
        assert one(studio, sequence) == most


def test_a_second_call_adds_nothing(studio: Studio) -> None:
    before = one(studio, "SELECT count(*) FROM app.bookings")
    with studio.uplink() as script:
        answer = script.call("fill_sample_data", password=PASSWORD, domain=DOMAIN)
    assert answer["created"] is False
    assert one(studio, "SELECT count(*) FROM app.bookings") == before
