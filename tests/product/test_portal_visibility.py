"""Which parts of the portal a customer sees: MB 2.2's rules, asked of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from master_template.server_customers.portal_parts import BUILT, PARTS, visible_parts
from master_template.shared.navigation_groups import CUSTOMER_ITEMS
from master_template.shared.routes import find_page
from tests.product.conftest import fresh_database
from tests.product.screens import tab
from tests.product.studio import Caller, Studio, copy_template, open_studio

ALL = frozenset(part.name for part in PARTS)
ALWAYS = ["my_dashboard", "payment_methods", "invoices", "support", "account"]
# MB 2.2, "CustomerLayout Navigation": what is seen with (features, things the customer has).
CASES: list[tuple[set[str], set[str], set[str]]] = [
    (set(), set(), set()),
    ({"bookings"}, set(), {"my_bookings"}),
    (set(), {"booking"}, {"my_bookings"}),
    ({"ecommerce"}, set(), {"my_orders"}),
    (set(), {"order"}, {"my_orders"}),
    ({"memberships"}, set(), {"my_membership"}),
    (set(), {"membership"}, {"my_membership"}),
    ({"reviews"}, set(), {"my_reviews"}),
    (set(), {"review", "payment", "note"}, set()),
    ({"marketing", "blog", "services", "hospitality", "loyalty"}, set(), set()),
    (
        {"bookings", "ecommerce", "memberships", "reviews"},
        {"booking", "order"},
        {"my_bookings", "my_orders", "my_membership", "my_reviews"},
    ),
]


@pytest.mark.parametrize(("features", "past", "more"), CASES)
def test_a_part_shows_by_its_feature_or_by_what_one_did(
    features: set[str], past: set[str], more: set[str]
) -> None:
    shown = visible_parts(dict.fromkeys(features, True), past.__contains__, built=ALL)
    assert set(shown) == {*ALWAYS, *more}
    order = [part.name for part in PARTS]
    assert shown == sorted(shown, key=order.index)


def test_a_feature_that_is_switched_off_counts_as_none() -> None:
    off = {"bookings": False, "reviews": False}
    assert visible_parts(off, lambda kind: False, built=ALL) == ALWAYS


def test_what_is_not_built_is_hidden_and_costs_no_question() -> None:
    asked: list[str] = []

    def has_activity(kind: str) -> bool:
        asked.append(kind)
        return True

    shown = visible_parts({"ecommerce": True}, has_activity, built=frozenset({"my_orders"}))
    assert shown == ["my_orders"]
    assert asked == [], "the feature is on, and the other parts are not built"
    assert set(visible_parts({}, has_activity)) <= BUILT


def test_the_menu_has_every_part_in_this_order() -> None:
    assert [name for name, _ in CUSTOMER_ITEMS] == [part.name for part in PARTS]


def parts(caller: Caller) -> list[str]:
    user: dict[str, Any] = caller.call("get_config")["user"]
    found: list[str] = user["portal_parts"]
    return found


@pytest.fixture(scope="module")
def built_studio(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """An instance of a template in which every part of the portal is built."""
    folder = tmp_path_factory.mktemp("built_studio")
    every = f"BUILT = frozenset({sorted(ALL)!r})"
    template = copy_template(
        folder,
        {
            "server_code/server_customers/portal_parts.py": [
                ('BUILT = frozenset({"my_dashboard", "account"})', every)
            ]
        },
    )
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder / "instance", database_url, template=template) as running,
    ):
        yield running


def test_the_server_decides_by_settings_and_timeline(built_studio: Studio) -> None:
    with built_studio.person("olga") as olga:
        assert parts(olga) == [], "the portal is for customers"
        olga.call("update_features", dict.fromkeys(("bookings", "reviews"), False))
    with built_studio.person("carl") as carl:
        assert parts(carl) == ALWAYS
    own = "SELECT contact_id FROM app.contacts WHERE email = 'carl@yogastudio.example'"
    [(contact_id,)] = built_studio.query(own)
    add_event = (
        "INSERT INTO app.contact_events (contact, contact_number, event_type, event_date) "
        "SELECT _id, number, %s, now() FROM app.contacts WHERE contact_id = %s"
    )
    built_studio.query(add_event, "order", contact_id)
    with built_studio.person("mia") as mia:
        other = mia.call("create_contact", {"first_name": "Ana", "last_name": "Silva"})
    built_studio.query(add_event, "booking", other["contact"]["contact_id"])
    with built_studio.person("carl") as carl:
        assert set(parts(carl)) == {*ALWAYS, "my_orders"}, "his own past, not another's"
    built_studio.query(
        "INSERT INTO app.bookings (booking_number, number, contact, start_at, end_at, status, "
        "payment_status, attendee_count, total_cents, deposit_cents, currency) "
        "SELECT 'B-1', 1, _id, now(), now() + interval '1 hour', 'completed', 'unpaid', 1, 0, 0, "
        "'ZAR' FROM app.contacts WHERE contact_id = %s",
        contact_id,
    )
    with built_studio.person("carl") as carl:
        assert set(parts(carl)) == {*ALWAYS, "my_orders", "my_bookings"}
    with built_studio.person("olga") as olga:
        olga.call("update_features", {"bookings": True, "reviews": True})
    with built_studio.person("carl") as carl:
        assert set(parts(carl)) == {*ALWAYS, "my_bookings", "my_orders", "my_reviews"}


@pytest.mark.usefixtures("m3_assets")
def test_the_menu_shows_what_the_server_says(chromium: Browser, built_studio: Studio) -> None:
    with built_studio.person("olga") as olga:
        olga.call("update_features", {"bookings": True, "reviews": False})
    with tab(chromium, built_studio, "carl") as screen:
        menu = screen.page.get_by_role("navigation")
        for name in ("My dashboard", "My bookings", "Invoices", "Account settings"):
            expect(menu.get_by_text(name, exact=True)).to_be_visible()
        for name in ("My membership", "My reviews"):
            expect(menu.get_by_text(name, exact=True)).to_be_hidden()


@pytest.mark.usefixtures("m3_assets")
def test_nothing_is_offered_that_is_not_built(chromium: Browser, empty_studio: Studio) -> None:
    with tab(chromium, empty_studio, "carl") as screen:
        menu = screen.page.get_by_role("navigation")
        for name in ("My dashboard", "Account settings", "Log out"):
            expect(menu.get_by_text(name, exact=True)).to_be_visible()
        for name in ("My bookings", "Payment methods", "Invoices", "Support tickets"):
            expect(menu.get_by_text(name, exact=True)).to_be_hidden()


def test_a_part_that_is_not_built_has_no_address() -> None:
    paths = dict(CUSTOMER_ITEMS)
    for part in PARTS:
        assert (find_page(paths[part.name]) is not None) == (part.name in BUILT), part.name
