"""Releases on offer, and upgrades that a business asks for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.product.studio import Caller, Refused, Studio
from tests.product.updates import clear, offer, release, request


@pytest.fixture(autouse=True)
def nothing_on_offer(empty_studio: Studio) -> Iterator[None]:
    clear(empty_studio)
    yield
    clear(empty_studio)


def notice(studio: Studio, who: str | None) -> Any:
    with studio.person(who) as caller:
        return caller.call("get_config")["update"]


def take(studio: Studio, **more: Any) -> Any:
    with studio.uplink() as script:
        return script.call("take_upgrade_request", **more)["request"]


def test_who_may_see_the_settings_is_told_and_nobody_else(empty_studio: Studio) -> None:
    assert notice(empty_studio, "olga") is None
    offer(empty_studio, release("v1.1.0", "fix"), release("v1.2.0"))
    told = notice(empty_studio, "olga")
    assert (told["version"], told["kind"], told["may_start"]) == ("v1.2.0", "feature", True)
    assert notice(empty_studio, "mia")["may_start"] is False
    for who in ("sam", "carl", None):
        assert notice(empty_studio, who) is None


def test_the_gravest_of_those_to_come_counts(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.1.0", "critical"), release("v1.2.0", "fix"))
    told = notice(empty_studio, "mia")
    assert (told["version"], told["kind"], told["may_dismiss"]) == ("v1.2.0", "critical", False)


def test_a_notice_is_put_aside_by_one_person_until_the_next_release(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.2.0"))
    with empty_studio.person("mia") as mia:
        mia.call("dismiss_update", "v1.2.0")
    assert notice(empty_studio, "mia") is None
    assert notice(empty_studio, "olga")["version"] == "v1.2.0"
    offer(empty_studio, release("v1.2.0"), release("v1.3.0"))
    assert notice(empty_studio, "mia")["version"] == "v1.3.0"


def test_a_critical_one_cannot_be_put_aside(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.2.0", "fix"))
    with empty_studio.person("mia") as mia:
        mia.call("dismiss_update", "v1.2.0")
        offer(empty_studio, release("v1.1.0", "critical"), release("v1.2.0", "fix"))
        with pytest.raises(Refused, match="critical_update"):
            mia.call("dismiss_update", "v1.2.0")
    assert notice(empty_studio, "mia")["kind"] == "critical"


def test_the_page_has_notes_guide_and_changes(empty_studio: Studio) -> None:
    offer(empty_studio, release("v2.0.0", "breaking", notes="**Bold** <script>alert(1)</script>"))
    with empty_studio.person("olga") as olga:
        page = olga.call("get_updates")
    assert page["installed"]["version"] == "v1.0.0"
    [new] = page["available"]
    assert "<strong>Bold</strong>" in new["notes_html"] and "script" not in new["notes_html"]
    assert "<li>Tell your staff.</li>" in new["guide_html"]
    assert new["changes"] == ["+ column bookings.moved_at"]


def test_telling_the_same_again_changes_nothing(empty_studio: Studio) -> None:
    offers = (release("v1.2.0"), release("v1.1.0", "fix"))
    assert offer(empty_studio, *offers)["available"] == ["v1.2.0", "v1.1.0"]
    entries = "SELECT count(*) FROM app.audit_log WHERE resource_type = 'release'"
    before = empty_studio.query(entries)
    assert offer(empty_studio, *offers)["available"] == ["v1.2.0", "v1.1.0"]
    assert empty_studio.query(entries) == before


def test_what_is_withdrawn_or_installed_is_not_on_offer(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.1.0", "critical"), release("v1.2.0"))
    with empty_studio.person("mia") as mia:
        offer(empty_studio, release("v1.2.0"), installed="v1.1.0")
        page = mia.call("get_updates")
        assert page["installed"]["version"] == "v1.1.0"
        assert [each["version"] for each in page["available"]] == ["v1.2.0"]
        mia.call("dismiss_update", "v1.2.0")
        assert offer(empty_studio, installed="v1.2.0")["available"] == []
        assert mia.call("get_updates")["available"] == []


def test_an_owner_asks_the_operator_takes_it_and_reports(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.2.0"))
    with empty_studio.person("olga") as olga:
        made = request(olga)
        assert (made["state"], made["requested_by"]) == ("requested", "Olga Naidoo")
        with pytest.raises(Refused, match="upgrade_waiting"):
            request(olga)
        taken = take(empty_studio)
        assert (taken["version"], taken["attempts"]) == ("v1.2.0", 1)
        assert take(empty_studio) is None
        with empty_studio.uplink() as script:
            held = {"request_id": taken["request_id"], "lease": taken["lease"]}
            script.call("report_upgrade", **held, step="Making a backup")
            shown = olga.call("get_updates")["request"]
            assert (shown["state"], shown["step"]) == ("running", "Making a backup")
            with pytest.raises(Refused, match="upgrade_running"):
                olga.call("cancel_upgrade", made["request_id"])
            script.call("finish_upgrade", **held, is_done=False, message="No room on the disk.")
            with pytest.raises(Refused, match="lease_lost"):
                script.call("finish_upgrade", **held, is_done=True)
        shown = olga.call("get_updates")["request"]
        assert (shown["state"], shown["message"]) == ("failed", "No room on the disk.")
        assert request(olga)["state"] == "requested"


def test_a_request_whose_program_died_is_given_out_again(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.2.0"))
    with empty_studio.person("olga") as olga:
        request(olga)
    first = take(empty_studio)
    empty_studio.query("UPDATE app.upgrade_requests SET lease_until = now() - interval '1 second'")
    second = take(empty_studio)
    assert second["attempts"] == 2 and second["lease"] != first["lease"]
    with empty_studio.uplink() as script:
        late = {"request_id": first["request_id"], "lease": first["lease"]}
        for name, more in (
            ("report_upgrade", {"step": "x"}),
            ("finish_upgrade", {"is_done": True}),
        ):
            with pytest.raises(Refused, match="lease_lost"):
                script.call(name, **late, **more)


def test_tonight_is_two_in_the_morning_where_the_business_is(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.2.0"))
    with empty_studio.person("olga") as olga:
        made = request(olga, when="tonight")
        [(due,)] = empty_studio.query("SELECT due_at FROM app.upgrade_requests")
        here = due.astimezone(ZoneInfo("Africa/Johannesburg"))
        assert (here.hour, here.minute) == (2, 0)
        assert 0 < (due - datetime.now(UTC)).total_seconds() <= 24 * 3600
        assert take(empty_studio) is None
        assert olga.call("cancel_upgrade", made["request_id"])["request"]["state"] == "cancelled"


def test_what_breaks_something_is_asked_for_with_the_guide_read(empty_studio: Studio) -> None:
    offer(empty_studio, release("v2.0.0", "breaking"), release("v2.1.0", "fix"))
    with empty_studio.person("olga") as olga:
        with pytest.raises(Refused) as refused:
            request(olga, "v2.1.0")
        assert "has_read_guide" in refused.value.fields
        assert request(olga, "v2.1.0", has_read_guide=True)["version"] == "v2.1.0"


def test_only_what_is_on_offer_is_asked_for_and_by_who_may(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.2.0"))
    with empty_studio.person("olga") as olga:
        for version in ("v1.0.0", "v9.9.9"):
            with pytest.raises(Refused, match="not_found"):
                request(olga, version)
    with empty_studio.person("mia") as mia, pytest.raises(Refused, match="permission_denied"):
        request(mia)


def test_a_request_is_done_when_its_version_came_by_another_way(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.2.0"))
    with empty_studio.person("olga") as olga:
        request(olga)
        offer(empty_studio, installed="v1.2.0")
        assert olga.call("get_updates")["request"]["state"] == "done"


def test_what_came_by_another_way_is_noted_when_requests_are_looked_for(
    empty_studio: Studio,
) -> None:
    offer(empty_studio, release("v1.1.0", "critical"), release("v1.2.0"), release("v1.3.0"))
    with empty_studio.person("olga") as olga:
        request(olga, "v1.1.0")
        assert take(empty_studio, installed="v1.2.0") is None
        page = olga.call("get_updates")
        assert page["installed"]["version"] == "v1.2.0" and page["request"]["state"] == "done"
        assert [each["version"] for each in page["available"]] == ["v1.3.0"]
    # One that nobody told of is no reason to forget the others.
    assert take(empty_studio, installed="v9.0.0") is None
    assert notice(empty_studio, "olga")["version"] == "v1.3.0"


def test_of_two_who_ask_at_once_one_is_refused(empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.2.0"))

    def ask(caller: Caller) -> str:
        answer = caller.answer("request_upgrade", "v1.2.0", "now")
        return "made" if answer["success"] else str(answer["code"])

    with (
        empty_studio.person("olga") as one,
        empty_studio.person("olga") as two,
        ThreadPoolExecutor(2) as pool,
    ):
        told = sorted(pool.map(ask, (one, two)))
    assert told == ["made", "upgrade_waiting"]
    # What holds it is the database, whatever the code does.
    with pytest.raises(Exception, match="upgrade_requests_one_open"):
        empty_studio.query(
            "INSERT INTO app.upgrade_requests "
            "(request_id, version, state, is_open, requested_at, due_at) "
            "VALUES ('another', 'v1.2.0', 'requested', true, now(), now())"
        )
