"""What Stripe tells us: checked, taken once, in any order; what is lost is found at night."""

from __future__ import annotations

import json
import threading
import time

import httpx
import pytest

from tests.management.billing_office import Office, details
from tests.product.providers.server import Reply


def events(office: Office, event_id: str) -> list[tuple[str, str]]:
    found = office.console.query(
        "SELECT status, note FROM app.billing_events WHERE event_id = %s", event_id
    )
    return [(str(status), str(note or "")) for status, note in found]


def test_refuses_what_stripe_has_not_signed(office: Office) -> None:
    event = office.stripe.event("customer.created", {"id": "cus_1", "object": "customer"})
    body = json.dumps(event)
    now = int(time.time())
    signatures = [
        "",
        "t=1,v1=00",
        office.stripe.sign(body, secret="whsec_somebody_elses"),
        office.stripe.sign(body, at=now - 301),
        office.stripe.sign(body + " "),
    ]
    for signature in signatures:
        assert office.stripe.send(office.webhook, event, signature).status_code == 400
    live = {**event, "livemode": True}
    assert office.stripe.send(office.webhook, live).status_code == 400
    assert httpx.get(office.webhook, timeout=60).status_code in (404, 405)
    assert events(office, event["id"]) == []
    assert office.stripe.send(office.webhook, event).status_code == 200
    assert events(office, event["id"]) == [("ignored", "")]


def test_a_message_that_comes_often_counts_once(office: Office) -> None:
    subscription = office.subscribe("silver-needle")
    event = office.stripe.event("customer.subscription.updated", subscription)
    answers: list[int] = []

    def send() -> None:
        answers.append(office.stripe.send(office.webhook, event).status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.settle()
    assert answers == [200] * 6
    assert events(office, event["id"]) == [("done", "")]


def test_the_order_of_messages_does_not_matter(office: Office) -> None:
    subscription = office.subscribe("little-bakers")
    before = office.stripe.event("customer.subscription.updated", subscription)
    office.stripe.things[subscription["id"]].update(status="canceled", ended_at=int(time.time()))
    office.tell("customer.subscription.deleted", office.stripe.things[subscription["id"]])
    office.stripe.send(office.webhook, before)  # says that it is active
    office.settle()
    shown = office.account("little-bakers")
    assert shown["subscription"]["status"] == "canceled"
    assert shown["account"]["state"] == "ended"


def test_an_answer_that_is_overtaken_is_asked_for_again(office: Office) -> None:
    """Stripe answers one question slowly with how it was, and a later one with how it is."""
    subscription = office.subscribe("xhosa-crafts")
    before = json.loads(json.dumps(subscription))
    is_asked, may_answer = threading.Event(), threading.Event()

    def answer_late() -> Reply:
        is_asked.set()
        may_answer.wait(60)
        return Reply(200, before)

    office.stripe.trouble = [answer_late]
    office.stripe.send(
        office.webhook, office.stripe.event("customer.subscription.updated", subscription)
    )
    assert is_asked.wait(60)
    office.stripe.things[subscription["id"]].update(status="canceled", ended_at=int(time.time()))
    later = office.stripe.event("customer.subscription.deleted", subscription)
    office.stripe.send(office.webhook, later)
    with office.console.uplink() as script:
        script.call("deliver_outbox_now")  # beside the task that still waits
    assert events(office, later["id"]) == [("done", "")]
    questions = len(office.stripe.requests)
    may_answer.set()
    office.settle()
    assert office.account("xhosa-crafts")["subscription"]["status"] == "canceled"
    assert len(office.stripe.requests) > questions  # what had been overtaken was not taken


def test_a_second_subscription_is_shown_and_counts_for_nothing(office: Office) -> None:
    first = office.subscribe("protea-spa")
    price = first["items"]["data"][0]["price"]["id"]
    second = office.stripe.begin(first["customer"], price)
    office.tell("customer.subscription.created", second)
    shown = office.account("protea-spa")
    assert shown["subscription"]["stripe_id"] == first["id"]
    assert [each["stripe_id"] for each in shown["surplus"]] == [second["id"]]
    assert "protea-spa" in office.call("get_billing_overview")["surplus"]
    office.call("cancel_subscription", "protea-spa", "now")
    shown = office.account("protea-spa")
    assert shown["subscription"]["stripe_id"] == second["id"] and shown["surplus"] == []
    assert shown["account"]["state"] == "active"


def test_a_refund_stands_at_its_invoice(office: Office) -> None:
    subscription = office.subscribe("umhlanga-surf")
    [invoice] = office.invoices_of(subscription)
    for amount in (10_000, 5_000):
        office.tell("refund.created", office.stripe.refund(invoice["id"], amount))
    [shown] = office.account("umhlanga-surf")["invoices"]
    assert shown["refunded_cents"] == 15_000 and shown["status"] == "paid"
    refunded = office.call("list_billing_invoices", status="refunded")
    assert [each["instance_name"] for each in refunded["invoices"]] == ["umhlanga-surf"]


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(429, {"error": {"message": "Too many"}}, {"stripe-should-retry": "false"}),
        Reply(503, {"error": {"message": "Down"}}, {"stripe-should-retry": "false"}),
        Reply(200, raw=b"<html>not JSON"),
        Reply(200, {"id": "sub_x", "object": "subscription"}),
    ],
    ids=["busy", "down", "no JSON", "fields missing"],
)
def test_a_message_is_dealt_with_once_stripe_answers(office: Office, trouble: Reply) -> None:
    subscription = office.subscribe_once("corner-bicycle")
    event = office.stripe.event("customer.subscription.updated", subscription)
    office.stripe.trouble = [trouble] * 3
    assert office.stripe.send(office.webhook, event).status_code == 200
    office.settle()
    office.stripe.trouble = []
    [(status, note)] = events(office, event["id"])
    if trouble.status != 429:  # which is tried again at once
        assert status == "waiting" and "Stripe" in note
    office.console.query("UPDATE app.outbox SET due_at = now() WHERE reference = %s", event["id"])
    office.settle()
    assert events(office, event["id"])[0][0] == "done"


def test_the_night_finds_what_was_not_told(office: Office) -> None:
    told = office.subscribe("baobab-legal")
    office.stripe.things[told["id"]]["items"]["data"][0]["current_period_end"] += 86_400
    bill = office.stripe.bill(told["id"], 45_000, is_paid=True)
    refund = office.stripe.refund(bill["id"], 4_500)
    name = "quiet-rooms"
    office.call("create_billing_account", name, details(name))
    link = office.call("create_checkout_link", name, "studio")["link"]
    untold = office.stripe.subscribe(office.session_of(office.open_link(link))["id"])
    found = office.call("run_billing_check")["check"]
    assert found["status"] == "done"
    by_id = {each["id"]: each for each in found["differences"]}
    assert by_id[told["id"]]["field"] == "period_end"
    assert by_id[untold["id"]]["instance_name"] == name
    assert bill["id"] in by_id and refund["id"] in by_id
    assert office.account(name)["account"]["state"] == "active"
    invoices = office.account("baobab-legal")["invoices"]
    assert [each["refunded_cents"] for each in invoices if each["refunded_cents"]] == [4_500]
    again = office.call("run_billing_check")["check"]
    assert again["differences"] == [] and again["checked"]["subscriptions"] >= 2
