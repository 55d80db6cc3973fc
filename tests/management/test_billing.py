"""Billing of tenants through Stripe: plans, links, subscriptions, and what is done with them."""

from __future__ import annotations

import time

import psycopg
import pytest

from tests.management.billing_office import STUDIO_PLAN, Office, details
from tests.product.studio import Refused


def plan_version(office: Office, code: str) -> int:
    [plan] = [each for each in office.call("list_plans")["plans"] if each["code"] == code]
    return int(plan["version"])


def ensure_plan(office: Office, name: str, **fields: object) -> str:
    known = {each["name"]: each["code"] for each in office.call("list_plans")["plans"]}
    plan = {**STUDIO_PLAN, "name": name, **fields}
    return known.get(name) or str(office.call("create_plan", plan)["plan"]["code"])


def test_a_tenant_subscribes_by_a_link(office: Office) -> None:
    office.subscribe("elan-yoga", tax_id="4123456789")
    shown = office.account("elan-yoga")
    assert shown["account"]["state"] == "active" and shown["account"]["access"] == "running"
    assert shown["subscription"]["plan"]["code"] == "studio"
    assert shown["subscription"]["price_cents"] == 45_000
    [invoice] = shown["invoices"]
    assert invoice["status"] == "paid" and invoice["total_cents"] == 45_000
    assert invoice["pdf_url"].startswith("https://invoice.stripe.example/")
    assert {"name": "contacts", "used": 1_240, "limit": 5_000} in shown["usage"]
    customers = [t for t in office.stripe.things.values() if t.get("object") == "customer"]
    [customer] = [t for t in customers if t["metadata"]["instance"] == "elan-yoga"]
    assert customer["email"] == "accounts@elan-yoga.example"
    assert [(t["type"], t["value"]) for t in customer["tax_ids"]] == [("za_vat", "4123456789")]
    listed = office.call("list_billing_accounts", search="elan studio")
    assert [each["instance_name"] for each in listed["accounts"]] == ["elan-yoga"]


def test_a_link_that_is_opened_twice_takes_money_once(office: Office) -> None:
    name = "sea-view-inn"
    office.call("create_billing_account", name, details(name))
    link = office.call("create_checkout_link", name, "studio", True)["link"]
    office.settle()
    assert office.subjects(name) == ["Studio for Sea View Inn"]
    first, second = office.open_link(link), office.open_link(link)
    assert first.headers["location"] == second.headers["location"]
    office.tell(
        "customer.subscription.created",
        office.stripe.subscribe(office.session_of(first)["id"]),
    )
    assert "/p/session/" in office.open_link(link).headers["location"]
    with pytest.raises(Refused, match="has a subscription already"):
        office.call("create_checkout_link", name, "studio")


def test_a_link_ends_and_a_wrong_one_says_so(office: Office) -> None:
    office.call("create_billing_account", "tidy-homes", details("tidy-homes"))
    link = office.call("create_portal_link", "tidy-homes")["link"]
    assert office.open_link(link).status_code == 303
    assert office.open_link(link[:-3] + "xxx").status_code == 404
    office.console.query("UPDATE app.billing_links SET expires_at = now() - interval '1 second'")
    answer = office.open_link(link)
    assert answer.status_code == 404 and "expired" in answer.text


def test_a_link_waits_for_a_stripe_that_is_down(office: Office) -> None:
    name = "the-blue-door"
    office.call("create_billing_account", name, details(name))
    link = office.call("create_checkout_link", name, "studio")["link"]
    key, office.stripe.contract.key = office.stripe.contract.key, "sk_test_another_one"
    answer = office.open_link(link)
    office.stripe.contract.key = key
    assert answer.status_code == 503 and "Nothing has been paid" in answer.text
    assert office.open_link(link).status_code == 303


def test_another_plan_costs_what_the_preview_says(office: Office) -> None:
    subscription = office.subscribe("copper-pot")
    larger = ensure_plan(office, "Larger", price_cents=90_000)
    preview = office.call("preview_plan_change", "copper-pot", larger, "now")
    assert preview["due_cents"] == 45_000 and len(preview["lines"]) == 2
    for _ in range(2):  # two clicks, or an answer that was lost
        try:
            office.call("change_plan", "copper-pot", larger, "now", preview["at"])
        except Refused as refused:
            assert "has this plan at this price already" in str(refused)
    invoices = office.invoices_of(subscription)
    assert [invoice["total"] for invoice in invoices] == [45_000, 45_000]
    shown = office.account("copper-pot")["subscription"]
    assert (shown["plan"]["code"], shown["price_cents"]) == (larger, 90_000)


def test_a_card_that_is_declined_changes_nothing(office: Office) -> None:
    office.subscribe("night-owl-books")
    larger = ensure_plan(office, "Larger", price_cents=90_000)
    at = office.call("preview_plan_change", "night-owl-books", larger, "now")["at"]
    office.stripe.declines = True
    with pytest.raises(Refused, match="card was declined"):
        office.call("change_plan", "night-owl-books", larger, "now", at)
    office.stripe.declines = False
    assert office.account("night-owl-books")["subscription"]["plan"]["code"] == "studio"
    office.call("change_plan", "night-owl-books", larger, "next_invoice", at)
    assert office.account("night-owl-books")["subscription"]["plan"]["code"] == larger
    old = int(time.time()) - 7_200
    with pytest.raises(Refused, match="too old"):
        office.call("change_plan", "night-owl-books", "studio", "now", old)


def test_a_plan_of_another_currency_is_refused(office: Office) -> None:
    office.subscribe("green-leaf")
    euro = ensure_plan(office, "Euro", currency="EUR")
    with pytest.raises(Refused, match="in ZAR cannot go on in EUR"):
        office.call("preview_plan_change", "green-leaf", euro, "now")


def test_it_ends_with_the_period_unless_it_is_kept(office: Office) -> None:
    office.subscribe("old-mill")
    office.call("cancel_subscription", "old-mill", "period_end")
    assert office.account("old-mill")["account"]["state"] == "ending"
    office.call("keep_subscription", "old-mill")
    assert office.account("old-mill")["account"]["state"] == "active"
    office.call("cancel_subscription", "old-mill", "period_end")  # is no replay of the first one
    assert office.account("old-mill")["account"]["state"] == "ending"
    office.call("cancel_subscription", "old-mill", "now")
    shown = office.account("old-mill")
    assert shown["account"]["state"] == "ended" and shown["case"]["reason"] == "ended"


def test_another_price_counts_for_new_subscribers_only(office: Office) -> None:
    code = ensure_plan(office, "Starter", price_cents=20_000)
    office.subscribe("harbour-physio", code)
    plan = {**STUDIO_PLAN, "name": "Starter", "price_cents": 25_000}
    office.call("update_plan", code, plan, plan_version(office, code))
    with pytest.raises(Refused) as refused:
        office.call("update_plan", code, {**plan, "description": "x"}, 1)
    assert refused.value.code == "edited_meanwhile"
    office.subscribe("rosebank-dance", code)
    prices = [
        office.account(name)["subscription"]["price_cents"]
        for name in ("harbour-physio", "rosebank-dance")
    ]
    assert prices == [20_000, 25_000]
    names = {each["plan_name"] for each in office.call("list_billing_accounts")["accounts"]}
    assert "Starter" in names


def test_a_trial_is_for_who_has_never_subscribed(office: Office) -> None:
    code = ensure_plan(office, "Trial", trial_days=14)
    subscription = office.subscribe("karoo-guesthouse", code)
    assert office.account("karoo-guesthouse")["account"]["state"] == "trialing"
    office.call("cancel_subscription", "karoo-guesthouse", "now")
    link = office.call("create_checkout_link", "karoo-guesthouse", code)["link"]
    session = office.session_of(office.open_link(link))
    assert "trial_period_days" not in session["subscription_data"]
    assert session["customer"] == subscription["customer"]


def test_details_reach_stripe_with_their_vat_id(office: Office) -> None:
    name = "table-bay-tours"
    subscription = office.subscribe(name, tax_id="4123456789")
    customer = office.stripe.things[subscription["customer"]]
    german = {"country": "DE", "tax_id": "de 136 695 976", "billing_name": "Tafelbucht GmbH"}
    office.call("update_billing_account", name, details(name, **german), 1)
    office.settle()
    assert customer["name"] == "Tafelbucht GmbH" and customer["address"]["country"] == "DE"
    assert [(t["type"], t["value"]) for t in customer["tax_ids"]] == [("eu_vat", "DE136695976")]
    with pytest.raises(Refused, match="must be one of DE") as refused:
        office.call("update_billing_account", name, details(name, country="DE", tax_id="DE1"), 2)
    assert "tax_id" in refused.value.fields
    office.call("update_billing_account", name, details(name), 2)
    office.settle()
    assert customer["tax_ids"] == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("price_cents", -1, "from 0"),
        ("currency", "XXX", "must be one of"),
        ("interval", "week", "must be one of month, year"),
        ("name", "", "required"),
        ("name", "STUDIO", "Another plan has this name"),
        ("limits", {"contacts": 0}, "from 1"),
    ],
)
def test_refuses_a_plan_that_cannot_be(
    office: Office, field: str, value: object, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        office.call("create_plan", {**STUDIO_PLAN, "name": "Other", field: value})


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE app.billing_plans SET price_cents = -1", "billing_plans_money_not_negative"),
        (
            "UPDATE app.billing_invoices SET refunded_cents = paid_cents + 1",
            "billing_invoices_refund_fits",
        ),
        ("UPDATE app.billing_invoices SET due_cents = -5", "billing_invoices_money_not_negative"),
        ("UPDATE app.billing_accounts SET access = 'suspended'", "billing_accounts_access_known"),
        (
            "INSERT INTO app.billing_subscriptions (account, stripe_id, status, is_surplus, "
            "price_cents, started_at, sync_number) SELECT account, 'sub_second', 'active', false, "
            "1, now(), 1 FROM app.billing_subscriptions WHERE status = 'active' LIMIT 1",
            "billing_subscriptions_one_active",
        ),
    ],
    ids=lambda value: value if value.startswith("billing") else "",
)
def test_the_database_holds_the_rules(office: Office, statement: str, rule: str) -> None:
    with pytest.raises(psycopg.Error, match=rule):
        office.console.query(statement)


def test_only_who_may_sees_and_changes_billing(office: Office) -> None:
    with office.console.person("sam") as sam:
        assert sam.answer("list_billing_accounts")["code"] == "permission_denied"
        assert sam.answer("get_billing_overview")["code"] == "permission_denied"
        assert sam.call("get_billing_state", "elan-yoga")["billing"]["state"] == "active"
    with office.console.person() as nobody:
        assert nobody.answer("list_plans")["code"] == "not_authenticated"
    with office.console.person("mia") as mia:
        figures = mia.call("get_billing_overview")
    assert figures["is_connected"] and figures["failed_events"] == 0
    assert figures["revenue"][0]["currency"] == "ZAR"
