"""The mails of billing, each queued in the transaction of what it is about.

They stand beside the template's in the settings, under Notifications, where their words can be
changed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_emails.mail_service import queue_mail
from master_template.server_emails.mail_templates import MAIL_TEMPLATES, MailTemplate
from master_template.server_shared.config import read_business
from master_template.server_shared.formatting import format_day
from master_template.server_shared.money import format_money

from . import billing_links
from .accounts import ENDED
from .dunning_steps import CaseFacts, DunningRules, suspension_at

LINK_DAYS = 30  # as long as a case lasts, and longer
CARD_LINK_DAYS = 14

_LINK = "https://console.example/billing/pay/3f9a62c1"
_TENANT = {"tenant_name": ("Name of the tenant", "Sunrise Yoga")}
_OWED = {
    "amount": ("What is owed", "R 450,00"),
    "link": ("Where it can be paid", _LINK),
    "suspend_on": ("When the app is switched off, or nothing", "28 November 2026"),
}

_ALL = (
    MailTemplate(
        name="billing_subscribe",
        title="Choose how to pay",
        when="You send a tenant the link to subscribe to a plan.",
        subject="{{ plan_name }} for {{ tenant_name }}",
        body="""Hello,

here is where you subscribe to **{{ plan_name }}** for {{ tenant_name }}, at {{ price }}.

[Enter your card]({{ link }})

The link works until {{ expires_on }}. Your card's details go to Stripe; we never see them.""",
        variables={
            **_TENANT,
            "plan_name": ("Name of the plan", "Studio"),
            "price": ("Its price", "R 450,00 a month"),
            "link": ("Where the card is entered", _LINK),
            "expires_on": ("Until when the link works", "5 December 2026"),
        },
        required=("link",),
    ),
    MailTemplate(
        name="billing_reminder",
        title="A payment failed",
        when="A tenant's payment failed, and on the days after it that you have set.",
        subject="Your payment for {{ tenant_name }} did not go through",
        body="""Hello,

we could not take {{ amount }} for {{ tenant_name }}. Often a card has expired, or the bank wants \
you to confirm.

[Pay now]({{ link }})

Nothing has changed in your app.{% if suspend_on %} Please see to it by {{ suspend_on }}, when it \
would be switched off.{% endif %}""",
        variables={**_TENANT, **_OWED},
        required=("link",),
    ),
    MailTemplate(
        name="billing_warning",
        title="Last warning before suspension",
        when="Some days before a tenant who does not pay is suspended.",
        subject="{{ tenant_name }} will be switched off on {{ suspend_on }}",
        body="""Hello,

{{ amount }} for {{ tenant_name }} is still not paid. **On {{ suspend_on }} the app will be \
switched off**: your customers could not book or buy any more. Your data stays.

[Pay now]({{ link }})

If you cannot pay, or think that this is a mistake, please answer this e-mail: we will find a \
way.""",
        variables={**_TENANT, **_OWED},
        required=("link",),
    ),
    MailTemplate(
        name="billing_ending",
        title="The subscription has ended",
        when="Some days before a tenant whose subscription has ended is suspended.",
        subject="The subscription of {{ tenant_name }} has ended",
        body="""Hello,

the subscription of {{ tenant_name }} has ended. **On {{ suspend_on }} the app will be switched \
off.** Your data stays, and you can export it until then.

[Subscribe again]({{ link }})""",
        variables={**_TENANT, "suspend_on": _OWED["suspend_on"], "link": _OWED["link"]},
        required=("link",),
    ),
    MailTemplate(
        name="billing_suspended",
        title="Suspended",
        when="A tenant who has not paid is suspended.",
        subject="{{ tenant_name }} has been switched off",
        body="""Hello,

{{ tenant_name }} has been switched off, because its subscription is not paid. Nothing is lost: as \
soon as it is paid, all is there again by itself, within minutes.

[Pay now]({{ link }})""",
        variables={**_TENANT, "link": _OWED["link"]},
        required=("link",),
    ),
    MailTemplate(
        name="billing_resumed",
        title="Running again",
        when="A suspended tenant has paid.",
        subject="{{ tenant_name }} is back",
        body="""Hello,

thank you for your payment. {{ tenant_name }} is being switched on again and will be there within \
minutes.""",
        variables=_TENANT,
    ),
)

MAIL_TEMPLATES.update({template.name: template for template in _ALL})


def queue_subscribe(account: Any, plan: Any, link: str, expires_at: datetime) -> None:
    """The link to subscribe to a plan."""
    business = read_business()
    price = format_money(int(plan["price_cents"]), plan["currency"], business.locale)
    _queue(
        "billing_subscribe",
        account,
        plan_name=plan["name"],
        price=f"{price} a {plan['interval']}",
        link=link,
        expires_on=format_day(expires_at, business),
    )


def queue_reminder(
    account: Any, case: Any, facts: CaseFacts, rules: DunningRules, now: datetime
) -> None:
    """That a payment failed."""
    suspend_on = _day(suspension_at(facts, rules, now)) if rules.is_suspending else ""
    _queue(
        "billing_reminder",
        account,
        amount=_amount(case),
        link=_pay_link(account, case, now),
        suspend_on=suspend_on,
    )


def queue_warning(
    account: Any, case: Any, facts: CaseFacts, rules: DunningRules, now: datetime
) -> None:
    """That the tenant will be suspended, and when."""
    link, day = _pay_link(account, case, now), _day(suspension_at(facts, rules, now))
    if case["reason"] == ENDED:
        _queue("billing_ending", account, suspend_on=day, link=link)
    else:
        _queue("billing_warning", account, amount=_amount(case), suspend_on=day, link=link)


def queue_suspended(account: Any, case: Any, now: datetime) -> None:
    _queue("billing_suspended", account, link=_pay_link(account, case, now))


def queue_resumed(account: Any) -> None:
    _queue("billing_resumed", account)


def _queue(template: str, account: Any, **variables: str) -> None:
    given = {"tenant_name": account["billing_name"], **variables}
    queue_mail(template, account["billing_email"], given)


def _pay_link(account: Any, case: Any, now: datetime) -> str:
    """Where it is paid: Stripe's page of the invoice; else where a card is changed or entered."""
    invoices = app_tables.billing_invoices.search(
        q.page_size(1), account=account, status="open", due_cents=q.greater_than(0)
    )
    page = next((row["page_url"] for row in invoices if row["page_url"]), None)
    if page is not None:
        return str(page)
    until = now + timedelta(days=LINK_DAYS)
    if case["reason"] == ENDED and account["plan"] is not None:
        return billing_links.make_link(account, billing_links.CHECKOUT, account["plan"], until)
    return billing_links.make_link(account, billing_links.PORTAL, None, until)


def _amount(case: Any) -> str:
    if not case["owed_cents"] or not case["currency"]:
        return "your subscription"
    return format_money(int(case["owed_cents"]), case["currency"], read_business().locale)


def _day(at: datetime) -> str:
    return format_day(at, read_business())
