"""Sending mail: ``queue_mail`` in a transaction, and the rest happens by itself.

A mail is put into words at once, goes into ``email_log`` without its text and into the outbox with
it, and is delivered after the commit. The text, which may hold secret links, is kept encrypted and
only until the mail is sent.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from anvil.tables import app_tables

from ..server_shared import clock, outbox
from ..server_shared.config import Business, read_business
from ..server_shared.errors import InvalidError
from ..server_shared.outbox import Entry, Outcome
from ..server_shared.validators import Email
from . import mail_layout, mail_senders
from .mail_senders import OutgoingMail
from .mail_template_service import fill, read_template
from .mail_templates import COMMON_VARIABLES, MAIL_TEMPLATES, MailTemplate

MAIL = "mail"
QUEUED, SENT, FAILED = "queued", "sent", "failed"
MAX_VARIABLE_CHARS = 2_000
MAX_SUBJECT_CHARS = 200

_ADDRESS = Email("The recipient", required=True)
# What could end a header line and begin another (RFC 5322 section 2.2), or hide text.
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")

log = logging.getLogger("mybizz.mail")


def queue_mail(template: str, to: str, variables: Mapping[str, str], *, to_name: str = "") -> str:
    """Send a mail once the transaction that runs now is committed; give its ``mail_id``.

    ``variables`` are those that ``mail_templates`` lists for the template, each of them; those of
    every mail are filled in here, but for ``person_name``, which may be left out. Raises
    :class:`InvalidError` where an address is none, or where a value has a line break: a header of
    its own could begin there.
    """
    business = read_business()
    recipient = _ADDRESS.clean(to)
    values = _values(MAIL_TEMPLATES[template], variables, business, to_name)
    mail = _compose(template, recipient, values, business)
    app_tables.email_log.add_row(
        mail_id=mail.mail_id,
        recipient_email=recipient,
        template=template,
        subject=mail.subject,
        status=QUEUED,
        attempts=0,
        queued_at=clock.now(),
    )
    outbox.add(MAIL, asdict(mail), reference=mail.mail_id, recipient_email=recipient)
    return mail.mail_id


def send_sample(template: MailTemplate, to: str, to_name: str) -> None:
    """Send a mail with the samples of its variables at once. Raises :class:`ProviderError`."""
    business = read_business()
    samples = {name: sample for name, (_, sample) in template.variables.items()}
    values = _values(template, samples, business, to_name)
    words = fill(template, values)
    _, send = mail_senders.choose_sender()
    send(_address(words, to, values, business))


def _compose(name: str, to: str, values: dict[str, str], business: Business) -> OutgoingMail:
    """The mail in the business's own words, or in ours should those fail all the same."""
    try:
        words = fill(read_template(name), values)
    except InvalidError as error:
        log.error("the template %s cannot be filled in: %s", name, error.message)
        words = fill(MAIL_TEMPLATES[name], values)
    return _address(words, to, values, business)


def _address(
    words: tuple[str, str], to: str, values: Mapping[str, str], business: Business
) -> OutgoingMail:
    subject, markup = words[0][:MAX_SUBJECT_CHARS], words[1]
    return OutgoingMail(
        mail_id=secrets.token_hex(12),
        to=to,
        to_name=values["person_name"],
        subject=subject,
        text=mail_layout.text_of(markup, business),
        html=mail_layout.html_of(subject, markup, business),
        from_name=_one_line("The business's name", business.business_name),
        reply_to=business.email,
    )


def _values(
    template: MailTemplate, variables: Mapping[str, str], business: Business, to_name: str
) -> dict[str, str]:
    """Every variable of a template. Raises ValueError where the code names others."""
    expected = set(template.variables)
    given = set(variables) - {"person_name"}
    if given != expected:
        raise ValueError(f"The mail {template.name} takes {sorted(expected)}, not {sorted(given)}.")
    common = {
        "business_name": business.business_name,
        "business_email": business.email,
        "business_phone": business.phone,
        "person_name": variables.get("person_name") or to_name,
    }
    assert set(common) == set(COMMON_VARIABLES)
    values = {**variables, **common}
    return {name: _one_line(name, value) for name, value in values.items()}


def _one_line(name: str, value: str) -> str:
    text = str(value or "").strip()
    if _BREAKS.search(text):
        raise InvalidError(f"{name} must be on one line.", field=name)
    if len(text) > MAX_VARIABLE_CHARS:
        raise InvalidError(
            f"{name} may have at most {MAX_VARIABLE_CHARS} characters, not {len(text)}.", field=name
        )
    return text


def _deliver(entry: Entry) -> dict[str, Any]:
    mail = OutgoingMail(**entry.payload)
    provider, send = mail_senders.choose_sender()
    return {"provider": provider, "reference": send(mail)}


def _settle(entry: Entry, outcome: Outcome) -> None:
    row = app_tables.email_log.get(mail_id=entry.payload["mail_id"])
    if row is None:
        return  # Erased or too old: there is nothing left to keep a record in.
    row["attempts"] = entry.attempts
    if outcome.is_done:
        row.update(status=SENT, sent_at=outcome.at, error=None, provider=outcome.result["provider"])
        return
    row["error"] = outcome.error
    if outcome.is_final:
        row["status"] = FAILED
        log.warning("the mail %s was given up: %s", row["mail_id"], outcome.error)


outbox.handlers[MAIL] = outbox.Handler(_deliver, _settle)
