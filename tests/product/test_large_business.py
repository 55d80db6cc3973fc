"""The dashboard and the contacts of a large business: 10,000 contacts, 100,000 events, 50,000
bookings and 50,000 payments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.product.plans import explain_everything, plans_of
from tests.product.studio import Caller, Studio

CONTACTS, BOOKINGS = 10_000, 50_000
# Of bookings and payments of two years, those of a few weeks: pages of 8 kB that may be looked at.
MAX_PAGES = 400

# A hundredth of it is enough rows that every count is asked of the database.
FILL = """
INSERT INTO app.contacts (number, contact_id, first_name, status, total_spent_cents,
    total_transactions, date_added, sort_name, search_text)
  SELECT n, 'C-' || n, 'First' || n, 'lead', 0, 0, now() - n * interval '1 hour', 'x', 'x'
  FROM generate_series(1, :contacts) n;
INSERT INTO app.bookings (number, booking_number, contact, start_at, end_at, status, cancelled_at,
    payment_status, attendee_count, total_cents, deposit_cents, currency, service_snapshot)
  SELECT n, 'B-' || n, c.first + n % :contacts, at, at + interval '1 hour', status,
    CASE WHEN status = 'cancelled' THEN at END, 'unpaid', 1, 20000, 0, 'ZAR', '{"name": "Class"}'
  FROM generate_series(1, 5 * :contacts) n, (SELECT min(_id) AS first FROM app.contacts) c,
    LATERAL (SELECT now() + interval '20 days' - n * interval '20 minutes' AS at,
      (ARRAY['confirmed', 'completed', 'cancelled', 'pending'])[1 + n % 4] AS status) b;
INSERT INTO app.payments (number, payment_number, contact, kind, status, method, provider,
    currency, amount_cents, tip_cents, tax_cents, fee_cents, refunded_cents, captured_at, failed_at,
    created_at)
  SELECT n, 'P-' || n, c.first + n % :contacts, 'booking', status, 'card', 'stripe', 'ZAR', 20000,
    0, 0, 600, 0, CASE WHEN status = 'captured' THEN at END,
    CASE WHEN status = 'failed' THEN at END, at
  FROM generate_series(1, 5 * :contacts) n, (SELECT min(_id) AS first FROM app.contacts) c,
    LATERAL (SELECT now() - n * interval '20 minutes' AS at,
      CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'captured' END AS status) p;
INSERT INTO app.contact_events (contact, contact_number, event_type, event_date, description,
    event_data, user_visible, author_name)
  SELECT c.first + n % :contacts, 1 + n % :contacts, 'note', now() - n * interval '10 minutes',
    'Note', '{}', true, 'Mia Fourie'
  FROM generate_series(1, 10 * :contacts) n, (SELECT min(_id) AS first FROM app.contacts) c;
INSERT INTO app.tasks (title, task_type, due_date, status, completed_at)
  SELECT 'Call', 'custom', current_date + 10 - n % 400, status,
    CASE WHEN status = 'completed' THEN now() END
  FROM generate_series(1, :contacts / 2) n,
    LATERAL (SELECT CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'completed' END AS status) t;
INSERT INTO app.products (name, slug, status, price_cents, currency, track_inventory,
    inventory_count, reserved_count, low_stock_threshold, is_low_stock)
  SELECT 'Product ' || n, 'p-' || n, 'active', 1000, 'ZAR', true, n % 100, 0, 2, n % 100 <= 2
  FROM generate_series(1, :contacts / 5) n;
ANALYZE
"""
OWN = (
    "FROM pg_stat_statements s JOIN pg_database d "
    "ON d.oid = s.dbid AND d.datname = current_database()"
)


def measure(studio: Studio) -> tuple[int, dict[str, int]]:
    """How many statements a dashboard without kept figures takes, and how many pages the largest
    one of some tables looks at."""
    studio.query("DELETE FROM app.dashboard_cache")
    with studio.person("olga") as olga:
        olga.call("list_contact_tags")  # so that the session and the worker are awake
        # All of the server's, or there might be no room left for ours.
        studio.query("SELECT pg_stat_statements_reset()")
        olga.call("get_dashboard")
    pages = {}
    for table, column in (("bookings", "start_at"), ("payments", "captured_at")):
        [(most,)] = studio.query(
            f"SELECT max((shared_blks_hit + shared_blks_read) / calls) {OWN} "
            f"WHERE query LIKE '%\"{column}\" >=%' AND query LIKE '%\"{table}\"%'"
        )
        pages[table] = int(most)
    [(statements,)] = studio.query(
        f"SELECT sum(calls) {OWN} WHERE query LIKE '%\"app\".%' OR query LIKE '%\"app\"%'"
    )
    return int(statements), pages


def test_costs_the_same_however_much_there_is(empty_studio: Studio) -> None:
    features = '{"bookings": true, "marketing": true, "ecommerce": true}'
    empty_studio.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    empty_studio.query("UPDATE app.settings SET features_enabled = %s", features)
    fill(empty_studio, CONTACTS // 100)
    small, _ = measure(empty_studio)
    for table in ("payments", "tasks", "contact_events", "products", "bookings", "contacts"):
        empty_studio.query(f"DELETE FROM app.{table}")
    fill(empty_studio, CONTACTS)
    # Figures that are seconds old are not worked out anew, even for one who asks.
    empty_studio.query("DELETE FROM app.dashboard_cache")
    with empty_studio.person("olga") as olga:
        figures: dict[str, Any] = olga.call("get_dashboard", True)["metrics"]
        assert figures["contacts"]["figures"]["total"] == CONTACTS
        assert figures["bookings"]["figures"]["today"] > 40
    large, pages = measure(empty_studio)
    # A count of one or none takes one statement, of more it takes two; nothing else may differ.
    assert large - small <= 10, (small, large)
    assert max(pages.values()) <= MAX_PAGES, pages
    # Without their indexes it would be whole tables.
    [(index,)] = empty_studio.query(
        "SELECT indexname FROM pg_indexes WHERE tablename = 'bookings' "
        "AND indexdef LIKE '%USING btree (start_at%'"
    )
    empty_studio.query(f'DROP INDEX app."{index}"')
    _, pages = measure(empty_studio)
    assert pages["bookings"] > MAX_PAGES


def fill(studio: Studio, contacts: int) -> None:
    for statement in FILL.split(";\n"):
        studio.query(statement.replace(":contacts", str(contacts)))


# What the dashboard does not look at, so that search and filters find few among many.
PEOPLE = """
UPDATE app.contacts SET sort_name = 'person ' || md5(number::text),
  search_text = 'person ' || md5(number::text) || ' p' || number || '@example.com',
  email = 'p' || number || '@example.com', phone = '+2782' || (1000000 + number),
  tags = jsonb_build_array('t' || (number::int % 50)),
  segments = jsonb_build_array('s' || (number::int % 50)),
  total_spent_cents = (number::int * 7919) % 500000,
  last_contact_date = now() - (number::int % 700) * interval '1 day';
VACUUM ANALYZE app.contacts;
VACUUM ANALYZE app.contact_events
"""


@pytest.fixture(scope="module")
def crowd(empty_studio: Studio) -> Iterator[Caller]:
    """Olga, where the server's statements are explained from now on."""
    if empty_studio.query("SELECT count(*) FROM app.contacts") != [(CONTACTS,)]:
        fill(empty_studio, CONTACTS)
    for statement in PEOPLE.split(";\n"):
        empty_studio.query(statement)
    explain_everything(empty_studio)
    with empty_studio.person("olga") as olga:
        yield olga


def plans_of_list(studio: Studio, olga: Caller, **query: Any) -> tuple[str, list[str]]:
    """Of one page of contacts the plan of the page itself, and those of all its statements."""
    plans = plans_of(studio, "contacts", lambda: olga.call("list_contacts", query))
    [page] = [plan for plan in plans if '"last_name"' in plan]
    return page, plans


def test_a_page_of_contacts_is_found_by_its_key(empty_studio: Studio, crowd: Caller) -> None:
    [(middle, number)] = empty_studio.query(
        "SELECT sort_name, number FROM app.contacts ORDER BY 1 LIMIT 1 OFFSET 5000"
    )
    cursor = f'["{middle}", {int(number)}]'
    cheapest = {
        "": {},
        "sort_name >=": {"after": cursor},
        "sort_name <=": {"before": cursor},
        "number >": {"sort": "number", "after": "[5000, 5000]"},
        "total_spent_cents <=": {"sort": "spent", "after": "[5000, 5000]"},
    }
    for condition, query in cheapest.items():
        page, _ = plans_of_list(empty_studio, crowd, **query)
        assert "Seq Scan" not in page
        # Without the edge the rows before it would be read and thrown away.
        assert not condition or f"Index Cond: ({condition}" in page.replace("((", "("), page
    for query in ({"tags_any": ["t5"]}, {"tags_all": ["t5"], "status": "lead"}):
        page, _ = plans_of_list(empty_studio, crowd, **query)
        assert "Seq Scan" not in page


def test_a_search_reads_what_it_finds(empty_studio: Studio, crowd: Caller) -> None:
    for text in ("p5004@", "082 1005004", "person p77"):
        _, plans = plans_of_list(empty_studio, crowd, search=text)
        for plan in plans:
            assert "contacts_search_text_trigram" in plan and "Seq Scan" not in plan
    events = plans_of(
        empty_studio, "contact_events", lambda: crowd.call("get_contact_timeline", "C-77")
    )
    assert events
    for plan in events:
        assert "contact_events_contact_number_b_tree" in plan and "Seq Scan" not in plan
    # Twenty likely duplicates of 3,333 take no more statements than one.
    empty_studio.query(
        "UPDATE app.contacts SET phone = '+2783' || number::int / 3, sort_name = 'same ' || "
        "number::int / 3"
    )
    plans = plans_of(empty_studio, "contacts", lambda: crowd.call("find_duplicates"))
    assert len(plans) <= 3
    # The test would see it: without its index the same search reads the table.
    empty_studio.query("DROP INDEX app.contacts_search_text_trigram")
    _, plans = plans_of_list(empty_studio, crowd, search="p5004@")
    assert any("Seq Scan on contacts" in plan for plan in plans)
