"""What we expect of Stripe, against its own types; and VAT ids, against real ones."""

from __future__ import annotations

import re

import pytest
import stripe
from management.server_billing import stripe_facts
from management.server_billing.dunning_steps import DunningRules
from management.server_billing.tax_ids import read_tax_id

from master_template.server_shared.errors import InvalidError, ProviderError
from tests.management.providers.stripe_contract import API_VERSION
from tests.product.studio import ROOT

BILLING = ROOT / "management" / "server_code" / "server_billing"


def keys_read_by(function: str) -> set[str]:
    """The keys of Stripe's object that a function of ``stripe_facts`` looks at."""
    text = (BILLING / "stripe_facts.py").read_text()
    [body] = re.findall(rf"^def {function}\(.*?(?=^def |\Z)", text, re.DOTALL | re.MULTILINE)
    return set(re.findall(r'given\["(\w+)"\]', body))


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("read_subscription", stripe.Subscription),
        ("read_invoice", stripe.Invoice),
        ("read_refund", stripe.Refund),
    ],
    ids=["subscription", "invoice", "refund"],
)
def test_what_we_read_is_what_stripe_has(function: str, kind: type) -> None:
    known = set(kind.__annotations__) | {"object"}
    keys = keys_read_by(function)
    assert len(keys) > 5 and keys - known == set()


def test_the_version_is_the_library_s() -> None:
    """An upgrade of the library has to be met by a look at Stripe's changelog."""
    gateway = (BILLING / "stripe_gateway.py").read_text()
    assert f'API_VERSION = "{API_VERSION}"' in gateway
    assert stripe.api_version == API_VERSION


@pytest.mark.parametrize("status", sorted(stripe_facts.STATUSES))
def test_every_status_is_live_or_ended(status: str) -> None:
    assert (status in stripe_facts.LIVE) != (status in stripe_facts.ENDED)


def test_an_object_of_another_shape_is_told_apart_from_a_fault_of_ours() -> None:
    for given in ({}, {"id": 1}, {"id": "sub_1", "items": {"data": []}, "customer": None}):
        with pytest.raises(ProviderError, match="do not understand"):
            stripe_facts.read_subscription(given)


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("ZA", "412 345 6789", ("za_vat", "4123456789")),
        ("DE", "136 695 976", ("eu_vat", "DE136695976")),
        ("GR", "EL 094259216", ("eu_vat", "EL094259216")),
        ("GB", "980 7806 84", ("gb_vat", "GB980780684")),
        ("US", "91-1144442", ("us_ein", "91-1144442")),
        ("AU", "83 914 571 673", ("au_abn", "83914571673")),
        ("KE", "", None),
    ],
)
def test_takes_vat_ids(country: str, typed: str, kept: tuple[str, str] | None) -> None:
    assert read_tax_id(typed, country) == kept


@pytest.mark.parametrize(
    ("country", "typed"), [("ZA", "5123456789"), ("DE", "DE136695977"), ("FR", "1"), ("KE", "A1")]
)
def test_refuses_what_is_no_vat_id(country: str, typed: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read_tax_id(typed, country)
    assert refused.value.field == "tax_id" and country in refused.value.message


def test_the_usual_rules_keep_their_own_promises() -> None:
    assert DunningRules().problems() == {}
