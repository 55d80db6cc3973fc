"""Reviews, from an order to the public page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.product.mailbox import body_of, deliver_mail, read_mails
from tests.product.studio import Caller, Refused, Studio
from tests.product.test_accessibility import violations


@pytest.fixture(scope="module")
def olga(empty_studio: Studio) -> Iterator[Caller]:
    """The owner, of a business that asks at once and by itself."""
    with empty_studio.person("olga") as caller:
        caller.call("update_features", {"reviews": True})
        caller.call("update_review_settings", {"is_automatic": True, "delay_days": 0}, 0)
        yield caller


def order(studio: Studio, email: str, number: str, cents: int = 25_000) -> None:
    with studio.uplink() as script:
        script.call("update_contact_from_transaction", email, "order", number, cents)


def run_requests(studio: Studio) -> None:
    with studio.uplink() as script:
        script.call("run_schedule_now", job="review_requests")
    deliver_mail(studio)


def link_of(studio: Studio, address: str) -> str:
    [mail] = read_mails(studio, address)
    found = re.search(r'href="([^"]+/review/[^"]+)"', body_of(mail))
    assert found
    return found[1]


def statuses(olga: Caller, subject: str) -> list[tuple[str, str]]:
    found = olga.call("list_review_requests", page_size=100)["requests"]
    return [(r["status"], r["reason"]) for r in found if subject in r["subject_title"]]


def write(link: str, **given: Any) -> httpx.Response:
    return httpx.post(link, data={"rating": "4", "text": "", "author_name": "Thandi M.", **given})


def test_an_order_brings_one_request_and_one_review(
    chromium: Browser, empty_studio: Studio, olga: Caller
) -> None:
    order(empty_studio, "thandi@buyers.example", "O-1")
    order(empty_studio, "thandi@buyers.example", "O-1")  # told twice
    run_requests(empty_studio)
    run_requests(empty_studio)
    link = link_of(empty_studio, "thandi@buyers.example")
    # Whoever comes back soon is not asked again.
    order(empty_studio, "thandi@buyers.example", "O-2")
    run_requests(empty_studio)
    assert statuses(olga, "O-1") == [("sent", "")]
    assert statuses(olga, "O-2") == [("skipped", "They were asked less than 30 days ago")]

    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Send the review").click()
    expect(page.get_by_text("Please choose from one to five stars.")).to_be_visible()
    page.get_by_role("radio", name="Good").check()
    page.get_by_label("In your words").fill("Calm, kind <b>and</b> on time.")
    page.get_by_label("Your name, as others shall see it").fill("Thandi M.")
    page.get_by_role("button", name="Send the review").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    context.close()
    assert "Thank you" in write(link, rating="1").text  # once is all
    [review] = olga.call("list_reviews", status="pending")["reviews"]
    assert (review["rating"], review["author_name"]) == (4, "Thandi M.")
    assert statuses(olga, "O-1") == [("answered", "")]
    assert "Calm, kind" not in httpx.get(empty_studio.url + "/reviews").text


def test_only_what_is_published_is_public(
    chromium: Browser, empty_studio: Studio, olga: Caller
) -> None:
    for number, stars in enumerate("521"):
        address = f"buyer{number}@buyers.example"
        order(empty_studio, address, f"P-{number}")
        run_requests(empty_studio)
        link = link_of(empty_studio, address)
        assert write(link, rating=stars, text=f"Words {number}").status_code == 200
    found = {r["text"]: r["review_id"] for r in olga.call("list_reviews")["reviews"]}
    for number in (0, 1):
        olga.call("moderate_review", found[f"Words {number}"], "published")
    with pytest.raises(Refused, match="misleads"):
        olga.call("moderate_review", found["Words 2"], "hidden")
    olga.call("moderate_review", found["Words 2"], "hidden", "Names somebody else")
    olga.call("reply_to_review", found["Words 1"], "We are sorry </script><b>")
    answer = httpx.get(empty_studio.url + "/reviews")
    assert "Words 0" in answer.text and "Words 1" in answer.text and "Words 2" not in answer.text
    assert "<b>" not in answer.text
    structured = re.search(r'ld\+json">(.*?)</script>', answer.text, re.S)
    assert structured
    data = json.loads(structured[1])
    assert data["aggregateRating"]["ratingValue"] == 3.5
    assert data["aggregateRating"]["reviewCount"] == 2
    assert [review["reviewRating"]["ratingValue"] for review in data["review"]] == [2, 5]
    context = chromium.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(empty_studio.url + "/reviews")
    assert violations(page) == []
    context.close()


def test_nobody_is_asked_who_cannot_or_will_not_be(empty_studio: Studio, olga: Caller) -> None:
    order(empty_studio, "gone@buyers.example", "Q-1")
    order(empty_studio, "unwilling@buyers.example", "Q-2")
    [gone] = olga.call("list_contacts", {"search": "gone@buyers"})["contacts"]
    olga.call("delete_contact", gone["contact_id"])
    olga.call("add_suppression", "unwilling@buyers.example", "asked by phone")
    run_requests(empty_studio)
    assert statuses(olga, "Q-1") == [("skipped", "The contact was deleted")]
    [(state, reason)] = statuses(olga, "Q-2")
    assert state == "skipped" and "want no such mails" in reason
    assert read_mails(empty_studio, "unwilling@buyers.example") == []


def test_a_person_is_asked_by_hand(empty_studio: Studio, olga: Caller) -> None:
    contact = {"first_name": "Hand", "last_name": "Picked", "email": "hand@buyers.example"}
    contact_id = olga.call("create_contact", contact)["contact"]["contact_id"]
    olga.call("send_review_request", contact_id, "the retreat in June")
    with pytest.raises(Refused, match="less than 30 days"):
        olga.call("send_review_request", contact_id, "the retreat in June")
    deliver_mail(empty_studio)
    [mail] = read_mails(empty_studio, "hand@buyers.example")
    assert "the retreat in June" in str(mail["subject"])


def test_a_link_is_signed(empty_studio: Studio) -> None:
    for token in ("nonsense", "qabcdefghjkm." + "0" * 32, "qabcdefghjkm"):
        assert httpx.get(f"{empty_studio.url}/review/{token}").status_code == 404
        assert write(f"{empty_studio.url}/review/{token}").status_code == 404


def test_nothing_is_asked_where_it_is_switched_off(empty_studio: Studio, olga: Caller) -> None:
    version = olga.call("get_review_settings")["version"]
    olga.call("update_review_settings", {"is_automatic": False, "delay_days": 0}, version)
    order(empty_studio, "later@buyers.example", "R-1")
    assert statuses(olga, "R-1") == []
    with pytest.raises(Refused, match="edited_meanwhile"):
        olga.call("update_review_settings", {"is_automatic": True, "delay_days": 0}, version)
