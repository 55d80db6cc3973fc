"""Recommendations: from the link to the ledger, and what does not count."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, expect

from tests.product.customers import CONTACTS, customer
from tests.product.mailbox import body_of, deliver_mail, read_mails
from tests.product.outside_website import sign
from tests.product.studio import PASSWORD, Caller, Refused, Studio

PROGRAM = {
    "status": "active",
    "referrer_reward": {"kind": "amount", "amount_cents": 10_000},
    "friend_reward": {"kind": "percent", "percent": 15},
    "minimum_cents": 20_000,
    "hold_days": 0,
    "limit_per_referrer": 2,
    "texts": {"heading": "A friend recommends us", "text": "Welcome.", "consent": "Write to me."},
}


@pytest.fixture(scope="module")
def olga(empty_studio: Studio) -> Iterator[Caller]:
    """The owner of a business whose programme runs."""
    with empty_studio.person("olga") as caller:
        caller.call("update_features", {"referrals": True})
        caller.call("update_referral_program", PROGRAM, 0)
        yield caller


@pytest.fixture(scope="module")
def code(olga: Caller) -> str:
    """Rosa's code."""
    return code_of(olga, "rosa")


def code_of(olga: Caller, name: str, **more: Any) -> str:
    contact = {"first_name": name.title(), "last_name": "R", "email": f"{name}@refer.example"}
    contact_id = olga.call("create_contact", {**contact, **more})["contact"]["contact_id"]
    made: str = olga.call("create_referral_code", contact_id)["code"]
    assert olga.call("create_referral_code", contact_id)["code"] == made
    return made


def ask(studio: Studio, code: str, email: str) -> None:
    """Follow a link and fill in the page."""
    given = {"email": email, "first_name": "Fern", "consent": "yes"}
    given["opened"] = sign("referral", f"{code}_{int(time.time()) - 60}")
    studio.query("DELETE FROM app.rate_counters")
    answer = httpx.post(f"{studio.url}/r/{code}", data=given, timeout=60)
    assert "Nearly there" in answer.text


def join(studio: Studio, code: str, email: str) -> str:
    """The same, and press the button that the mail leads to; give the last page."""
    ask(studio, code, email)
    query = "SELECT referral_id FROM app.referrals WHERE email = %s ORDER BY invited_at DESC"
    token = sign("referral confirm", studio.query(query, email)[0][0])
    return httpx.post(f"{studio.url}/r/confirm/{token}", timeout=60).text


def join_by_mail(studio: Studio, code: str, email: str) -> str:
    """The same by the mail itself, of which the link alone confirms nobody."""
    ask(studio, code, email)
    deliver_mail(studio)
    [mail] = read_mails(studio, email)
    found = re.search(r'href="([^"]+/r/confirm/[^"]+)"', body_of(mail))
    assert found
    assert "Yes, that is me" in httpx.get(found[1]).text
    return httpx.post(found[1], timeout=60).text


def buy(studio: Studio, email: str, number: str, cents: int, kind: str = "order") -> None:
    with studio.uplink() as script:
        script.call("update_contact_from_transaction", email, kind, number, cents)


def grant(studio: Studio) -> None:
    with studio.uplink() as script:
        script.call("run_schedule_now", job="referral_rewards")


def referral_of(olga: Caller, email: str) -> dict[str, Any]:
    found = olga.call("list_referrals", page_size=100)["referrals"]
    [referral] = [one for one in found if one["email"] == email]
    return dict(referral)


def test_both_sides_are_rewarded_once(
    chromium: Browser, empty_studio: Studio, olga: Caller, code: str
) -> None:
    page = chromium.new_page()
    page.goto(f"{empty_studio.url}/r/{code.lower().replace('-', '')}")
    expect(page.get_by_role("heading", name="A friend recommends us")).to_be_visible()
    expect(page.get_by_text("15% off")).to_be_visible()
    assert page.context.cookies() == []
    page.close()
    assert "Your gift: 15% off" in join_by_mail(empty_studio, code, "fern@refer.example")
    assert referral_of(olga, "fern@refer.example")["status"] == "joined"
    buy(empty_studio, "fern@refer.example", "S-1", 5_000)  # too little
    assert referral_of(olga, "fern@refer.example")["status"] == "joined"
    buy(empty_studio, "fern@refer.example", "S-2", 25_000)
    grant(empty_studio)
    grant(empty_studio)
    referral = referral_of(olga, "fern@refer.example")
    assert referral["status"] == "rewarded"
    granted = {side: one["entry"] for side, one in referral["rewards"].items()}
    assert granted == {"referrer": "granted", "friend": "granted"}
    olga.call("settle_referral_reward", referral["referral_id"], "friend", "used")
    for entry in ("used", "revoked"):
        with pytest.raises(Refused, match="decided_already"):
            olga.call("settle_referral_reward", referral["referral_id"], "friend", entry)
    timeline = str(olga.call("get_contact_timeline", referral["friend_id"]))
    assert "Earned by a recommendation: 15% off" in timeline and "Used: 15% off" in timeline
    board = olga.call("get_referral_leaderboard")
    assert [(one["contact_name"], one["rewarded"]) for one in board["leaders"]] == [("Rosa R", 1)]


def test_a_customer_sees_their_own_link_and_what_it_brought(
    empty_studio: Studio, olga: Caller
) -> None:
    """After the two of before: Rosa who recommended, and Fern who came; and nobody sees who."""
    for name in ("rosa", "fern", "nobody"):
        with empty_studio.uplink() as script:
            person = {"email": f"{name}@refer.example", "password": PASSWORD, "role": "customer"}
            script.call("add_staff_user", first_name=name.title(), last_name="R", **person)
    with customer(empty_studio, "rosa@refer.example") as rosa:
        found = rosa.call("get_my_referrals")
        [(code,)] = empty_studio.query(
            "SELECT code FROM app.referral_codes r JOIN app.contacts c ON r.contact = c._id "
            "WHERE c.email = 'rosa@refer.example'"
        )
        assert found["link"] == f"{empty_studio.url}/r/{code}"
        assert rosa.call("create_my_referral_link")["link"] == found["link"]
        assert found["counts"] == {"visits": 1, "confirmed": 0, "came": 1, "rewarded": 1}
        assert [one["entry"] for one in found["rewards"]] == ["granted"]
        assert "fern" not in str(found).lower()
        rules = found["rules"]
        assert (rules["friend"], rules["hold_days"]) == ("15% off", 0)
        assert "200" in rules["minimum"] and "100" in rules["you"]
    with customer(empty_studio, "fern@refer.example") as fern:
        found = fern.call("get_my_referrals")
        assert [(one["side"], one["entry"]) for one in found["rewards"]] == [("friend", "used")]
        assert (found["link"], found["counts"]["came"]) == (None, 0)
        # The contact becomes one with another: what was earned comes along.
        [(fern_id,)] = empty_studio.query(CONTACTS, "fern@refer.example")
        other = {"first_name": "Fern", "last_name": "Again", "email": "fern2@refer.example"}
        other_id = olga.call("create_contact", other)["contact"]["contact_id"]
        olga.call("merge_contacts", other_id, fern_id)
        assert fern.call("get_my_referrals") == found
    with customer(empty_studio, "nobody@refer.example") as nobody:
        link = nobody.call("create_my_referral_link")["link"]
        assert httpx.get(link).status_code == 200
        empty_studio.query("UPDATE app.referral_programs SET status = 'off'")
        found = nobody.call("get_my_referrals")
        assert (found["is_running"], found["rewards"]) == (False, [])
        with pytest.raises(Refused, match="programme_off"):
            nobody.call("create_my_referral_link")
        empty_studio.query("UPDATE app.referral_programs SET status = 'active'")
    assert olga.answer("get_my_referrals")["code"] == "not_a_customer"


def test_the_database_keeps_the_ledger(empty_studio: Studio, olga: Caller, code: str) -> None:
    """What the code may forget, the table does not: each entry once, and none of them changed."""
    assert "Welcome" in join(empty_studio, code, "ledger@refer.example")
    buy(empty_studio, "ledger@refer.example", "L-1", 25_000)
    grant(empty_studio)
    copied = (
        "INSERT INTO app.referral_rewards (referral_id, side, entry, recorded_at) "
        "SELECT referral_id, side, entry, recorded_at FROM app.referral_rewards LIMIT 1"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        empty_studio.query(copied)
    for change in ("DELETE FROM app.referral_rewards", "UPDATE app.referral_rewards SET side = ''"):
        with pytest.raises(psycopg.Error, match="append_only"):
            empty_studio.query(change)


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("rosa@refer.example", "recommended themselves"),
        ("ro.sa+friend@refer.example", "recommended themselves"),
        ("known@refer.example", "a customer already"),
    ],
)
def test_nobody_recommends_themselves_or_a_customer(
    empty_studio: Studio, olga: Caller, code: str, email: str, reason: str
) -> None:
    buy(empty_studio, "known@refer.example", "K-1", 30_000)
    assert "no gift for being new" in join(empty_studio, code, email)
    referral = referral_of(olga, email)
    assert referral["status"] == "rejected" and reason in referral["reason"]


def test_a_friend_counts_once_and_a_refund_takes_it_back(
    empty_studio: Studio, olga: Caller
) -> None:
    first, second = code_of(olga, "ann"), code_of(olga, "ben")
    join(empty_studio, first, "cleo@refer.example")
    assert "no gift" in join(empty_studio, second, "cleo@refer.example")
    buy(empty_studio, "cleo@refer.example", "C-1", 25_000)
    buy(empty_studio, "cleo@refer.example", "C-1-back", 25_000, "refund")
    grant(empty_studio)
    found = olga.call("list_referrals", page_size=100)["referrals"]
    told = {one["code"]: (one["status"], one["reason"]) for one in found}
    assert told[first] == ("rejected", "The purchase was refunded")
    assert told[second] == ("rejected", "Someone else had recommended this person")


def test_what_is_doubtful_waits_for_a_person(empty_studio: Studio, olga: Caller) -> None:
    """Two friends from one connection: the second is rewarded only by somebody who has looked."""
    code = code_of(olga, "dora")
    for name in ("one", "two"):
        join(empty_studio, code, f"{name}@doubt.example")
        buy(empty_studio, f"{name}@doubt.example", f"D-{name}", 25_000)
    grant(empty_studio)
    doubtful = referral_of(olga, "two@doubt.example")
    assert doubtful["status"] == "qualified" and "same connection" in doubtful["notes"][0]
    with pytest.raises(Refused, match="say why"):
        olga.call("decide_referral", doubtful["referral_id"], "reject")
    olga.call("decide_referral", doubtful["referral_id"], "reward")
    assert referral_of(olga, "two@doubt.example")["status"] == "rewarded"
    with pytest.raises(Refused, match="decided_already"):
        olga.call("decide_referral", doubtful["referral_id"], "reject", "too late")


def test_a_guess_leads_nowhere_and_is_limited(empty_studio: Studio, olga: Caller) -> None:
    empty_studio.query("DELETE FROM app.rate_counters")
    assert httpx.get(f"{empty_studio.url}/r/AAAA-AAAA").status_code == 404
    empty_studio.query("UPDATE app.rate_counters SET count = 30 WHERE kind = 'referral'")
    assert httpx.get(f"{empty_studio.url}/r/AAAA-AAAB").status_code == 429
    empty_studio.query("DELETE FROM app.rate_counters")


def test_a_reward_says_how_much(olga: Caller) -> None:
    version = olga.call("get_referral_program")["version"]
    with pytest.raises(Refused) as refused:
        olga.call(
            "update_referral_program", {**PROGRAM, "friend_reward": {"kind": "text"}}, version
        )
    assert set(refused.value.fields) == {"friend_reward.text"}
