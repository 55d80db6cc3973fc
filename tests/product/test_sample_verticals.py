"""The kinds of business that can be shown around: each set up as such, alive, true to itself."""

from __future__ import annotations

from typing import Any

import pytest

from master_template.server_setup.verticals import VERTICALS
from master_template.server_setup.verticals.prices import local_price
from master_template.server_shared.config import FEATURES
from scripts.operations import setup
from tests.product.studio import BUSINESS, DOMAIN, PASSWORD, Studio

CURRENCIES = dict(zip(VERTICALS, ("ZAR", "EUR", "GBP", "ZAR", "JPY"), strict=True))
# The cast stays; some tables are only added to, so their triggers would refuse it.
EMPTY = """
    ALTER TABLE app.consents DISABLE TRIGGER USER;
    ALTER TABLE app.referral_rewards DISABLE TRIGGER USER;
    TRUNCATE app.contacts, app.products, app.sequences, app.settings, app.contact_tags,
             app.dashboard_cache, app.segments, app.email_campaigns CASCADE;
    ALTER TABLE app.consents ENABLE TRIGGER USER;
    ALTER TABLE app.referral_rewards ENABLE TRIGGER USER
"""


@pytest.fixture(scope="module", params=list(VERTICALS))
def business(empty_studio: Studio, request: pytest.FixtureRequest) -> tuple[str, Studio]:
    """A business of each kind in turn, in the same instance."""
    name = str(request.param)
    empty_studio.query(EMPTY)
    owner = {"email": f"olga@{DOMAIN}", "first_name": "Olga", "last_name": "Naidoo"}
    profile = {**BUSINESS, "currency": CURRENCIES[name]}
    with empty_studio.uplink() as script:
        script.call("set_up_instance", business=profile, owner=owner, features={}, vertical=name)
        script.call("fill_sample_data", password=PASSWORD, domain=DOMAIN, vertical=name)
    return name, empty_studio


def one(studio: Studio, statement: str) -> Any:
    [(value,)] = studio.query(statement)
    return value


def test_it_begins_as_such_a_business_does(business: tuple[str, Studio]) -> None:
    name, studio = business
    vertical = VERTICALS[name]
    [(features, colour, tagline, policies)] = studio.query(
        "SELECT features_enabled, primary_color, tagline, policies FROM app.settings"
    )
    assert {each for each in FEATURES if features[each]} == vertical.features
    assert colour == vertical.primary_color and tagline == vertical.profile["tagline"]
    for field, value in vertical.policies.items():
        assert policies[field] == value


def test_its_dashboard_has_something_to_tell(business: tuple[str, Studio]) -> None:
    name, studio = business
    studio.query(
        "UPDATE app.settings SET features_enabled = features_enabled || "
        '\'{"ecommerce": true, "bookings": true}\''
    )
    with studio.person("olga") as olga:
        metrics = olga.call("get_dashboard", True)["metrics"]
    figures = {each: metric["figures"] for each, metric in metrics.items()}
    assert sum(count for _, count in figures["bookings"]["days"]) >= 10
    [revenue] = figures["revenue"]["currencies"]
    assert revenue["currency"] == CURRENCIES[name] and revenue["last_days"][-1] > 0
    assert figures["tasks"]["due"] > 0 and figures["tasks"]["overdue"] > 0
    assert figures["low_stock"]["low"] > 1 and figures["low_stock"]["sold_out"] == 1
    assert figures["failed_payments"]["failed"] == 3


def test_its_figures_fit_together(business: tuple[str, Studio]) -> None:
    _, studio = business
    wrong = studio.query(
        "SELECT c.contact_id FROM app.contacts c LEFT JOIN app.payments p ON p.contact = c._id "
        "AND p.status = 'captured' GROUP BY c._id HAVING c.total_transactions <> count(p) "
        "OR c.total_spent_cents <> coalesce(sum(p.amount_cents), 0)"
    )
    assert wrong == []
    for statement in (
        "SELECT count(*) FROM app.contact_events WHERE event_date > now()",
        "SELECT count(*) FROM app.payments WHERE created_at > now() OR amount_cents = 0",
        "SELECT count(*) FROM app.bookings WHERE status = 'completed' AND end_at > now()",
    ):
        assert one(studio, statement) == 0, statement


def test_every_person_is_there_with_the_tags_of_the_trade(business: tuple[str, Studio]) -> None:
    name, studio = business
    people = VERTICALS[name].people
    assert one(studio, "SELECT count(*) FROM app.contacts") == len(people) >= 20
    known = {tag for (tag,) in studio.query("SELECT name FROM app.contact_tags")}
    assert known == {tag for person in people for tag in person.tags}


def test_no_two_trades_share_their_words() -> None:
    """A demonstration of one business does not look like another's with the sign changed."""
    lines = [
        line
        for each in VERTICALS.values()
        for line in (
            *(f"{person.first_name} {person.last_name}" for person in each.people),
            *(offer.name for offer in (*each.offers, *each.rooms)),
            *(product.slug for product in each.products),
            *(each.talk.visits + each.talk.notes + each.talk.calls),
        )
    ]
    assert len(lines) == len(set(lines))


def test_telephone_numbers_belong_to_nobody() -> None:
    for vertical in VERTICALS.values():
        for person in vertical.people:
            number = person.phone.replace(" ", "")
            assert not number or any(
                number.startswith(kept)
                for kept in ("+27825550", "+3363998", "+442079460", "+441632960", "+441134960")
            ), person


def test_the_command_knows_the_same_ones() -> None:
    assert tuple(VERTICALS) == setup.VERTICALS


@pytest.mark.parametrize(
    ("currency", "expected"),
    [("ZAR", 22_000), ("NAD", 22_000), ("EUR", 1_100), ("JPY", 1_800), ("XXX", 1_200)],
)
def test_a_price_is_what_it_would_be_there(currency: str, expected: int) -> None:
    assert local_price(22_000, currency) == expected
    assert local_price(0, currency) == 0
