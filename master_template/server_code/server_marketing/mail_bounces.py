"""Mails that come back to us, by way of a mail server: what is written down of them.

Brevo reports by its webhook; any other mail server writes a mail, to the address that sent ours.
That is our own where the instance's mail server sends; a mailbox of the business has to pass such
mails on to :func:`bounce_address`. Anybody can write one, so a report counts only where it names a
mail that we sent, by something that only its recipient and the servers on its way have seen: our
signed link out of marketing, or the mail's number in its Message-ID or in the address that it was
sent from. And it counts for that mail's recipient alone, whoever the report speaks of.
"""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import urlsplit

import anvil.email
from anvil.tables import app_tables

from ..server_emails import delivery_reports
from ..server_emails.delivery_reports import DELAYED, HARD, SOFT, DeliveryReport, Recipient
from ..server_shared import clock, signed_tokens
from ..server_shared.config import read_business
from . import mail_events, tracking_links, unsubscribing
from .mail_events import Report

PROVIDER = "mail"
LOCAL_PART = "bounces"
# What ends less comes first.
_SEVERITY = (DELAYED, SOFT, HARD, delivery_reports.COMPLAINT)

_MAIL_ID = r"[0-9a-f]{24}"
_MESSAGE_ID = re.compile(rf"<({_MAIL_ID})@[^<>\s]+>")
_RETURN_PATH = re.compile(rf"[^@]*\+({_MAIL_ID})@.*", re.IGNORECASE)
_WAY_OUT = re.compile(r"/unsubscribe/([A-Za-z0-9_-]+\.[0-9a-f]+)")

log = logging.getLogger("mybizz.mail")


def bounce_address() -> str:
    """Where mails that came back are to be passed on to."""
    host = urlsplit(tracking_links.origin()).hostname or ""
    return f"{LOCAL_PART}@{host}"


@anvil.email.handle_message
def take_message(message: Any) -> None:
    """Take a mail to this instance: a report is written down, a machine's other mail dropped, and
    a person told (550) that nobody reads here."""
    report = delivery_reports.read_report(message)
    if report is not None:
        take_report(report, message.envelope.recipient or "")
        return
    if delivery_reports.is_automatic(message):
        return
    email = read_business().email
    instead = f" Please write to {email}." if email else ""
    raise anvil.email.DeliveryFailure(f"5.2.1 Nobody reads mail here.{instead}", 550)


def take_report(report: DeliveryReport, sent_to: str) -> bool:
    """Write down what a report says that came to ``sent_to``; give whether that was new."""
    mail_id, email = _find_mail(report, sent_to)
    if not mail_id:
        log.info("a report on a mail that we do not know was left alone")
        return False
    told = _choose(report, email)
    return bool(
        mail_events.record(
            Report(
                kind=told.kind,
                # One mail comes back once: whoever repeats it, or makes it up, adds nothing.
                event_key=f"{PROVIDER}:{mail_id}:{told.kind}",
                provider=PROVIDER,
                occurred_at=told.occurred_at or clock.now(),
                send_key=mail_id,
                email=email,
                detail=told.said,
            )
        )
    )


def _find_mail(report: DeliveryReport, sent_to: str) -> tuple[str, str]:
    """Number and recipient of the mail that a report is about; '' where it is none of ours."""
    for mail_id in _named_mails(report, sent_to):
        send = app_tables.mail_sends.get(send_key=mail_id)
        if send is not None and send["started_at"] is not None and send["recipient_email"]:
            return mail_id, send["recipient_email"]
        row = app_tables.email_log.get(mail_id=mail_id) if send is None else None
        if row is not None and row["recipient_email"]:
            return mail_id, row["recipient_email"]
    return "", ""


def _named_mails(report: DeliveryReport, sent_to: str) -> list[str]:
    """The numbers of mails that a report names, the surest first."""
    found = []
    returned_to = _RETURN_PATH.fullmatch(sent_to)
    if returned_to:
        found.append(returned_to[1].lower())
    texts = (report.headers.get("list-unsubscribe", ""), *report.texts)
    for token in (token for text in texts for token in _WAY_OUT.findall(text)):
        found.append(signed_tokens.read(unsubscribing.PURPOSE, token) or "")
    for text in (report.headers.get("message-id", ""), *report.texts):
        found += _MESSAGE_ID.findall(text)
    return [mail_id for mail_id in dict.fromkeys(found) if mail_id][:5]


def _choose(report: DeliveryReport, email: str) -> Recipient:
    """What a report says of our recipient. Each mail of ours has one; a report on several is about
    where theirs passes mails on to, and then the mildest holds."""
    mine = [each for each in report.recipients if email.lower() in each.addresses]
    return min(mine or report.recipients, key=lambda each: _SEVERITY.index(each.kind))
