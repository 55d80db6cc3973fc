"""What followed a mail: each purchase counts for the last mail that its buyer opened or clicked, or
else got, within the days that the campaign counts."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import clock
from ..server_shared.config import read_business
from ..server_shared.happenings import listen
from ..server_shared.transactions import once
from . import ledger, mail_tallies
from .campaign_fields import settings_of

BROADCAST_DAYS = 7
LONGEST_DAYS = 90
LOOKED_AT = 20  # of the newest mails to one contact
NOT_COUNTED = ("refund",)


@listen("transaction_recorded")
def _attribute(contact: Any, transaction_type: str, transaction_id: str, amount_cents: int) -> None:
    """Write down whose doing a purchase was, in its transaction; once for each."""
    if transaction_type in NOT_COUNTED or amount_cents < 0:
        return
    if app_tables.mail_conversions.get(
        transaction_type=transaction_type, transaction_id=transaction_id
    ):
        return
    send = _last_mail(contact)
    if send is None:
        return
    now = clock.now()
    app_tables.mail_conversions.add_row(
        contact=contact,
        source=send["source"],
        transaction_type=transaction_type,
        transaction_id=transaction_id,
        amount_cents=amount_cents,
        currency=once("business", read_business).currency,
        converted_at=now,
    )
    mail_tallies.add(
        send["source"],
        {"conversions": 1, "revenue_cents": amount_cents},
        mail_tallies.part_of(send["key"]),
        mail_tallies.day_at(now),
    )


def _last_mail(contact: Any) -> Any:
    """The mail that a purchase of this moment counts for: the newest one that was clicked, else
    opened, else sent, of those that still count. None where there is none."""
    now = clock.now()
    found = app_tables.mail_sends.search(
        tables.order_by("settled_at", ascending=False),
        q.page_size(LOOKED_AT),
        contact_number=int(contact["number"]),
        state=ledger.SENT,
        settled_at=q.greater_than(now - timedelta(days=LONGEST_DAYS)),
    )
    counting = [
        send
        for send in islice(found, LOOKED_AT)
        if send["settled_at"] + timedelta(days=_days_of(send["source"])) > now
    ]
    for column in ("clicked_at", "opened_at", "settled_at"):
        for send in counting:
            if send[column] is not None:
                return send
    return None


def _days_of(source: str) -> int:
    kind, _, name = source.partition(":")
    if kind != "campaign":
        return BROADCAST_DAYS
    row = app_tables.email_campaigns.get(campaign_id=name)
    return BROADCAST_DAYS if row is None else int(settings_of(row)["conversion_days"])
