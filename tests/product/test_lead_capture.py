"""Lead forms on another website: from the script tag to the contact, in a real browser and past it.

One instance and one foreign website for all; the clock is not waited for, but what was signed is
signed as of earlier.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.product.mailbox import body_of, deliver_mail, read_mails
from tests.product.outside_website import Website, opened_ago, serve_website
from tests.product.studio import Caller, Refused, Studio
from tests.product.test_accessibility import violations
from tests.product.test_campaigns import make_campaign

FIELDS = {"first_name": "optional", "last_name": "off", "phone": "off", "company": "off"}
TEXTS = {
    "heading": "Ten minutes of calm, once a week",
    "text": "A short practice in your postbox every Sunday.",
    "button": "Send it to me",
    "success": "Nearly there: please look into your postbox.",
    "consent": "Yes, Sunrise Yoga may write to me by e-mail.",
}


@pytest.fixture(scope="module")
def website(empty_studio: Studio) -> Iterator[Website]:
    with serve_website(empty_studio.url) as served:
        yield served


@pytest.fixture(scope="module")
def mia(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.person("mia") as caller:
        yield caller


def make_form(mia: Caller, website: Website, *, is_active: bool = True, **changes: Any) -> str:
    given = {
        "name": "Newsletter",
        "kind": "popup",
        "fields": {**FIELDS, "message": "off", "consent": "required"},
        "texts": TEXTS,
        "trigger": {"kind": "immediately"},
        "origins": [website.origin],
        "tags": ["newsletter"],
    }
    form_id: str = mia.call("create_lead_form", {**given, **changes})["form"]["form_id"]
    if is_active:
        mia.call("set_lead_form_status", form_id, "active")
    return form_id


def send(studio: Studio, form_id: str, origin: str | None, **given: Any) -> httpx.Response:
    """What the script sends, by hand."""
    values = {"consent": True, "opened": opened_ago(form_id, 60), "website": "", **given}
    headers = {"Content-Type": "text/plain;charset=UTF-8"} | ({"Origin": origin} if origin else {})
    return httpx.post(f"{studio.url}/lead/{form_id}", content=json.dumps(values), headers=headers)


def counts(mia: Caller, form_id: str) -> tuple[int, int, int, int]:
    total = mia.call("get_lead_form_stats", form_id)["total"]
    return total["views"], total["submissions"], total["confirmations"], total["spam"]


def link_of(studio: Studio, address: str) -> str:
    deliver_mail(studio)
    [mail] = read_mails(studio, address)
    found = re.search(r'href="([^"]+/lead/confirm/[^"]+)"', body_of(mail))
    assert found
    return found[1]


def contacts_of(mia: Caller, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mia.call("list_contacts", {"search": address})["contacts"]
    return found


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    yield page
    context.close()
    # A refused input is an answer like any other, which Chromium notes as an error.
    assert [text for text in problems if "422" not in text and "favicon" not in text] == []


def open_as_of_earlier(page: Page, website: Website, studio: Studio) -> None:
    """Open the website, and have the form think that it was shown a minute ago."""

    def earlier(route: Route) -> None:
        answer = route.fetch()
        config = answer.json()
        config["opened"] = opened_ago(website.form_id, 60)
        route.fulfill(response=answer, body=json.dumps(config))

    page.route(
        f"{studio.url}/lead/{website.form_id}",
        lambda route: earlier(route) if route.request.method == "GET" else route.continue_(),
    )
    page.goto(website.origin + "/an/article?utm_source=mail")


def test_a_popup_on_another_website_brings_a_contact(
    page: Page, empty_studio: Studio, website: Website, mia: Caller
) -> None:
    website.form_id = make_form(mia, website)
    page.set_viewport_size({"width": 390, "height": 844})
    open_as_of_earlier(page, website, empty_studio)
    dialog = page.get_by_role("dialog", name=TEXTS["heading"])
    expect(dialog).to_be_visible()
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    # The focus stays inside: eight steps are more than there are places in it.
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") in ("DIV", "BODY")
    dialog.get_by_role("button", name="Send it to me").click()
    expect(dialog.get_by_role("textbox", name="E-mail")).to_be_focused()
    expect(dialog.get_by_text("E-mail is required.")).to_be_visible()
    expect(dialog.get_by_text("Please tick this to go on.")).to_be_visible()
    dialog.get_by_label("First name").fill("Lindiwe")
    dialog.get_by_role("textbox", name="E-mail").fill("Lindiwe@Leads.Example")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Send it to me").click()
    expect(dialog.get_by_text(TEXTS["success"])).to_be_visible()
    expect(dialog.get_by_role("textbox", name="E-mail")).to_have_count(0)
    assert contacts_of(mia, "lindiwe@leads.example") == []
    link = link_of(empty_studio, "lindiwe@leads.example")

    # A scanner that follows the link confirms nobody; the button does, and once is enough.
    assert httpx.get(link).status_code == 200
    assert contacts_of(mia, "lindiwe@leads.example") == []
    page.goto(link)
    page.get_by_role("button", name="Yes, that is me").click()
    expect(page.get_by_role("heading", name="You are confirmed")).to_be_visible()
    assert httpx.post(link).status_code == 200
    [contact] = contacts_of(mia, "lindiwe@leads.example")
    assert (contact["first_name"], contact["source"]) == ("Lindiwe", "lead_capture")
    assert contact["tags"] == ["newsletter"]
    assert counts(mia, website.form_id) == (1, 1, 1, 0)
    [consent] = mia.call("get_consent_history", contact["contact_id"])["consents"]
    assert consent["is_given"] and consent["given_by"] == "person"
    assert "consent text 1" in consent["evidence"]
    assert f"{website.origin}/an/article, " in consent["evidence"]


def test_escape_closes_it_and_it_stays_away(
    page: Page, empty_studio: Studio, website: Website, mia: Caller
) -> None:
    website.form_id = make_form(mia, website)
    page.goto(website.origin)
    dialog = page.get_by_role("dialog", name=TEXTS["heading"])
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    with page.expect_response(f"{empty_studio.url}/lead/{website.form_id}"):
        page.reload()
    page.evaluate("new Promise((done) => setTimeout(done))")
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("kind", ["inline", "bar"])
def test_other_kinds_show_and_shut_nobody_out(
    page: Page, website: Website, mia: Caller, kind: str
) -> None:
    website.form_id = make_form(mia, website, kind=kind)
    page.emulate_media(color_scheme="dark" if kind == "bar" else "light")
    page.goto(website.origin)
    field = page.get_by_role("textbox", name="E-mail")
    expect(field).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Tab")
    if kind == "bar":
        page.get_by_role("button", name="Close").press("Escape")
        expect(field).to_have_count(0)
    else:
        expect(page.get_by_role("heading", name=TEXTS["heading"])).to_be_visible()


def test_only_the_forms_own_websites_get_anything(
    empty_studio: Studio, website: Website, mia: Caller
) -> None:
    form_id = make_form(mia, website)
    for origin in ("https://evil.example", "null", None, website.origin + ".evil.example"):
        answer = send(empty_studio, form_id, origin, email="x@leads.example")
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    shown = httpx.get(f"{empty_studio.url}/lead/{form_id}", headers={"Origin": website.origin})
    assert shown.headers["access-control-allow-origin"] == website.origin
    assert "Origin" in shown.headers["vary"]
    assert "set-cookie" not in shown.headers
    assert "access-control-allow-credentials" not in shown.headers
    draft = make_form(mia, website, is_active=False)
    assert httpx.get(f"{empty_studio.url}/lead/{draft}").status_code == 404
    assert counts(mia, form_id) == (0, 0, 0, 0)


def test_the_answer_is_the_same_whoever_is_known(
    empty_studio: Studio, website: Website, mia: Caller
) -> None:
    contact = {"first_name": "Known", "last_name": "Person", "email": "known@leads.example"}
    mia.call("create_contact", contact)
    form_id = make_form(mia, website, is_double_opt_in=False)
    known, stranger = (
        send(empty_studio, form_id, website.origin, email=name + "@leads.example", first_name="Eve")
        for name in ("known", "stranger")
    )
    assert (known.status_code, known.json()) == (stranger.status_code, stranger.json())
    deliver_mail(empty_studio)
    [kept] = contacts_of(mia, "known@leads.example")
    [made] = contacts_of(mia, "stranger@leads.example")
    assert (kept["first_name"], kept["last_name"]) == ("Known", "Person")
    assert (made["first_name"], made["tags"]) == ("Eve", ["newsletter"])


def test_whoever_comes_in_is_taken_along(
    empty_studio: Studio, website: Website, mia: Caller
) -> None:
    """Into a segment that is filled by hand, and a campaign; into none that is there no more."""
    by_hand, by_rules = (
        mia.call("create_segment", {"segment_name": f"Leads {kind}", "segment_type": kind, **more})
        for kind, more in (
            ("static", {}),
            ("custom", {"filter_criteria": {"status": "lead"}}),
        )
    )
    segment_id = by_hand["segment"]["segment_id"]
    campaign_id = make_campaign(mia)
    chosen = {"segment_id": segment_id, "campaign_id": campaign_id, "is_double_opt_in": False}
    wrong = {"segment_id": by_rules["segment"]["segment_id"], "campaign_id": "no-such-campaign"}
    with pytest.raises(Refused) as refused:
        make_form(mia, website, **wrong)
    assert set(refused.value.fields) == {"segment_id", "campaign_id"}
    choices = mia.call("get_lead_form_choices")
    assert [one["segment_id"] for one in choices["segments"]] == [segment_id]
    statuses = {one["campaign_id"]: one["status"] for one in choices["campaigns"]}
    assert statuses[campaign_id] == "active"
    form_id = make_form(mia, website, **chosen)

    def came_in(name: str) -> tuple[set[str], set[str]]:
        """In which segments and campaigns someone is who fills in the form now."""
        address = f"{name}@follow.example"
        empty_studio.query("DELETE FROM app.rate_counters")
        assert send(empty_studio, form_id, website.origin, email=address).status_code == 200
        deliver_mail(empty_studio)
        found = (
            "SELECT c.segments, array_remove(array_agg(e.campaign_id), NULL) FROM app.contacts c "
            "LEFT JOIN app.contact_campaigns i ON i.contact = c._id LEFT JOIN "
            "app.email_campaigns e ON e._id = i.campaign WHERE c.email = %s GROUP BY c.segments"
        )
        [(segments, campaigns)] = empty_studio.query(found, address)
        return set(segments), set(campaigns)

    inside, enrolled = came_in("first")
    assert segment_id in inside and enrolled == {campaign_id}
    with pytest.raises(Refused, match="Lead form|in use|used"):
        mia.call("delete_segment", segment_id)
    mia.call("pause_campaign", campaign_id)
    inside, enrolled = came_in("second")
    assert segment_id in inside and enrolled == set()
    mia.call("archive_campaign", campaign_id)
    # What the form has by now may stay; what it has not may not be chosen.
    given = mia.call("get_lead_form", form_id)["form"]
    version = given.pop("version")
    kept = {name: given[name] for name in ("kind", "fields", "texts", "trigger", "origins")}
    kept |= chosen
    mia.call("update_lead_form", form_id, {**kept, "name": "Other name"}, version)
    plain = {**kept, "name": "Other name", "segment_id": None, "campaign_id": None}
    mia.call("update_lead_form", form_id, plain, version + 1)
    with pytest.raises(Refused, match="not archived"):
        mia.call("update_lead_form", form_id, {**plain, "campaign_id": campaign_id}, version + 2)
    inside, enrolled = came_in("third")
    assert segment_id not in inside and enrolled == set()
    mia.call("delete_segment", segment_id)


def test_programs_are_thanked_and_forgotten(
    empty_studio: Studio, website: Website, mia: Caller
) -> None:
    form_id = make_form(mia, website)
    quick = opened_ago(form_id, 0)
    for given in ({"website": "http://spam.example"}, {"opened": quick}):
        answer = send(empty_studio, form_id, website.origin, email="bot@leads.example", **given)
        assert answer.json() == {"success": True, "message": TEXTS["success"]}
    assert counts(mia, form_id) == (0, 0, 0, 2)
    forged = opened_ago(form_id, 60, key=b"x" * 32)
    old = opened_ago(form_id, 90_000)
    for token in (forged, old, "", None):
        answer = send(empty_studio, form_id, website.origin, email="b@leads.example", opened=token)
        assert answer.status_code == 409 and answer.json()["opened"].startswith(form_id)


def test_nobodys_postbox_is_filled(empty_studio: Studio, website: Website, mia: Caller) -> None:
    form_id = make_form(mia, website)
    answers = {
        send(empty_studio, form_id, website.origin, email="often@leads.example").text
        for _ in range(5)
    }
    assert len(answers) == 1
    deliver_mail(empty_studio)
    assert len(read_mails(empty_studio, "often@leads.example")) == 3
    # Nobody's address is kept to count by.
    assert (
        empty_studio.query("SELECT 1 FROM app.rate_counters t WHERE t::text LIKE '%often%'") == []
    )


def test_a_visitor_who_does_not_stop_is_told_to_wait(
    empty_studio: Studio, website: Website, mia: Caller
) -> None:
    form_id = make_form(mia, website)
    assert send(empty_studio, form_id, website.origin, email="no").status_code == 422
    empty_studio.query("UPDATE app.rate_counters SET count = 20 WHERE kind = 'lead submit'")
    answer = send(empty_studio, form_id, website.origin, email="no")
    assert answer.status_code == 429 and 0 < int(answer.headers["retry-after"]) <= 3600
    assert answer.headers["access-control-allow-origin"] == website.origin
    empty_studio.query("DELETE FROM app.rate_counters")


def test_other_words_of_consent_get_a_number_and_the_old_ones_stay(
    empty_studio: Studio, website: Website, mia: Caller
) -> None:
    form_id = make_form(mia, website)
    answer = mia.call("get_lead_form", form_id)
    form = {name: answer["form"][name] for name in ("name", "kind", "fields", "trigger", "origins")}
    changed = {**form, "texts": {**TEXTS, "consent": "Other words."}}
    mia.call("update_lead_form", form_id, changed, answer["version"])
    with pytest.raises(Refused, match="edited_meanwhile"):
        mia.call("update_lead_form", form_id, changed, answer["version"])
    kept = "SELECT number, text FROM app.lead_consent_texts WHERE form_id = %s ORDER BY number"
    assert empty_studio.query(kept, form_id) == [(1, TEXTS["consent"]), (2, "Other words.")]


def test_the_forms_own_page_needs_no_script(
    chromium: Browser, empty_studio: Studio, website: Website, mia: Caller
) -> None:
    form_id = make_form(mia, website, origins=[])
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{empty_studio.url}/form/{form_id}")
    page.get_by_label("First name").fill("Ohne")
    page.get_by_role("button", name="Send it to me").click()
    expect(page.get_by_text("E-mail is required.")).to_be_visible()
    expect(page.get_by_label("First name")).to_have_value("Ohne")
    context.close()
    context = chromium.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"{empty_studio.url}/form/{form_id}")
    assert violations(page) == []
    context.close()


def test_an_origin_is_a_website_and_nothing_else(mia: Caller, website: Website) -> None:
    form_id = make_form(mia, website, origins=["Example.com/blog", "https://bücher.example:443"])
    origins = mia.call("get_lead_form", form_id)["form"]["origins"]
    assert origins == ["https://example.com", "https://xn--bcher-kva.example"]
    for wrong in ("*", "javascript:alert(1)", "https://", "ftp://example.com", "a b"):
        with pytest.raises(Refused, match="website like"):
            make_form(mia, website, origins=[wrong])
