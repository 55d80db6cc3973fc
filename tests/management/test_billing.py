"""Billing of tenants through Stripe: plans, links, subscriptions and what Stripe tells us."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.management.billing_office import Office, open_office
from tests.management.conftest import fresh_database


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office") / "management"
    with fresh_database(postgres_url) as url, open_office(folder, url) as running:
        yield running


def test_a_tenant_subscribes_by_a_link(office: Office) -> None:
    office.subscribe("yogastudio", tax_id="4123456789")
    shown = office.account("yogastudio")
    assert shown["account"]["state"] == "active" and shown["account"]["access"] == "running"
    assert shown["subscription"]["plan"]["code"] == "studio"
    assert shown["subscription"]["price_cents"] == 45_000
    [invoice] = shown["invoices"]
    assert invoice["status"] == "paid" and invoice["total_cents"] == 45_000
    assert invoice["pdf_url"].startswith("https://invoice.stripe.example/")
    assert {"name": "contacts", "used": 1_240, "limit": 5_000} in shown["usage"]
    [customer] = [t for t in office.stripe.things.values() if t.get("object") == "customer"]
    assert customer["email"] == "accounts@yogastudio.example"
    assert [(t["type"], t["value"]) for t in customer["tax_ids"]] == [("za_vat", "4123456789")]
