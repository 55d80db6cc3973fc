"""The policies: what may be set, what customers read of it, and the editor."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from master_template.server_settings.policies import (
    GIVEN,
    RULES,
    Policies,
    describe,
    percent_text,
    time_before,
)
from master_template.server_shared.errors import InvalidError
from tests.product.screens import tab
from tests.product.studio import Refused, Studio

pytestmark = pytest.mark.usefixtures("m3_assets")


def words_of(**changes: Any) -> dict[str, str]:
    return {heading: text for heading, text in describe(replace(Policies(), **changes))}


@pytest.mark.parametrize(
    ("changes", "heading", "text"),
    [
        ({}, "Not coming", "it costs 3% of the price"),
        ({}, "Cancelling", "at any time before it begins. It costs nothing"),
        (
            {"late_cancellation_percent": 50, "cancellation_hours": 48},
            "Cancelling",
            "at no cost up to 2 days before the booking begins. If you cancel later, it costs 50% "
            "of the price.",
        ),
        (
            {"late_cancellation_percent": 100, "cancellation_hours": 0},
            "Cancelling",
            "until the booking begins at no cost; from then on it costs the full price.",
        ),
        ({"no_show_percent": 0}, "Not coming", "it costs nothing"),
        ({"can_reschedule": False}, "Moving a booking", "cannot be moved"),
        ({"reschedule_limit": 1, "reschedule_hours": 1}, "Moving a booking", "once, up to 1 hour"),
        ({"refund_percent": 0}, "Refunds", "is not refunded"),
        ({"refund_percent": 12.5, "refund_days": 1}, "Refunds", "12.5% of what you have paid"),
        ({"notes": "Bring a towel."}, "What else applies", "Bring a towel."),
    ],
)
def test_customers_read_what_is_set(changes: dict[str, Any], heading: str, text: str) -> None:
    assert text in words_of(**changes)[heading]


@given(st.builds(dict, **{name: st.integers(1, 100) for name in RULES if name != "notes"}))
def test_whatever_is_taken_can_be_told(given: dict[str, Any]) -> None:
    cleaned = GIVEN.clean({**given, "can_reschedule": given["can_reschedule"] > 50})
    for heading, text in describe(Policies(**cleaned)):
        assert heading
        assert text.endswith(".")


@given(st.decimals(0, 100, places=2))
def test_a_percentage_is_written_as_it_was_typed(percent: Any) -> None:
    assert float(percent_text(float(percent)).removesuffix("%")) == float(percent)


def test_hours_read_as_people_say_them() -> None:
    said = [time_before(hours) for hours in (1, 24, 36, 48, 72)]
    assert said == ["1 hour", "24 hours", "36 hours", "2 days", "3 days"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("no_show_percent", 101),
        ("no_show_percent", -1),
        ("no_show_percent", 3.001),
        ("no_show_percent", float("nan")),
        ("no_show_percent", True),
        ("refund_percent", "all"),
        ("cancellation_hours", None),
        ("cancellation_hours", 10**6),
        ("reschedule_limit", 0),
        ("refund_days", 0.5),
        ("evil", 1),
    ],
)
def test_what_makes_no_policy_is_refused_at_its_field(field: str, value: object) -> None:
    with pytest.raises(InvalidError) as refused:
        GIVEN.clean({**asdict(Policies()), field: value})
    assert set(refused.value.fields) == {field}


def test_policies_are_saved_with_before_and_after(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        found = olga.call("get_policies")
        assert found["policies"] == asdict(Policies())
        wanted = {**found["policies"], "no_show_percent": 12.5}
        saved = olga.call("update_policies", wanted, found["version"])
        assert saved["policies"] == wanted
        with pytest.raises(Refused, match="edited_meanwhile"):
            olga.call("update_policies", found["policies"], found["version"])
    with empty_studio.person("mia") as mia:
        assert mia.call("get_policies")["policies"] == wanted
        with pytest.raises(Refused, match="permission_denied"):
            mia.call("update_policies", found["policies"], saved["version"])
    entry = "SELECT changes FROM app.audit_log WHERE resource_id = 'policies'"
    assert [dict(changes) for (changes,) in empty_studio.query(entry)] == [
        {"no_show_percent": [3, 12.5]}
    ]
    assert "12.5% of the price" in httpx.get(empty_studio.url + "/policies").text
    assert "12.5% of the price" in httpx.get(empty_studio.url + "/terms").text


def test_the_database_keeps_percentages_too(empty_studio: Studio) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        empty_studio.query(
            "UPDATE app.settings SET policies = "
            """'{"no_show_percent": 300, "late_cancellation_percent": 0, "refund_percent": 1}'"""
        )


def test_the_words_follow_what_is_typed(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings/policies")
        late = "Fee after that (% of the price)"
        expect(screen.field(late)).to_have_value("0")
        screen.type(late, "50")
        screen.sees("If you cancel later, it costs 50% of the price.")
        screen.type(late, "500")
        screen.sees("Fee for cancelling late must be a percentage from 0 to 100")
        screen.press("Save")
        expect(screen.field(late)).to_have_value("500")
        screen.type(late, "25")
        screen.page.get_by_role("switch", name="Customers may move a booking").click()
        screen.sees("A booking cannot be moved to another time.")
        # Nothing is lost by going away.
        screen.page.get_by_role("link", name="Legal texts").click()
        dialog = screen.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        screen.page.keyboard.press("Escape")
        expect(screen.field(late)).to_have_value("25")
        screen.press("Save")
        screen.sees("Saved.")
        screen.open("/policies")
        screen.sees("it costs 25% of the price")


def test_an_owner_writes_and_publishes_a_legal_text(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        page = screen.page
        screen.open("/app/settings/legal")
        preview = page.frame_locator("iframe")
        expect(preview.get_by_role("heading", level=1)).to_have_text("Privacy policy")
        page.get_by_text("Terms and conditions", exact=True).click()
        expect(preview.get_by_role("heading", level=1)).to_have_text("Terms and conditions")
        source = page.get_by_role("textbox", name="Terms and conditions")
        source.fill("Ask {{nobody}}")
        screen.sees('There is no variable called "nobody".')
        source.fill("Ask {{business_name}} <img src=x onerror=alert(1)>")
        source.press("Control+a")
        source.press("ArrowRight")
        page.get_by_role("button", name="Bold").click()
        expect(preview.locator("strong")).to_have_text("important")
        expect(preview.get_by_text("Ask Sunrise Yoga")).to_be_visible()
        expect(preview.locator("img[src=x]")).to_have_count(0)
        screen.press("Publish")
        page.get_by_role("dialog").get_by_role("button", name="Publish").click()
        screen.sees("Version 1, since")
        screen.open("/terms")
        screen.sees("Ask Sunrise Yoga")
