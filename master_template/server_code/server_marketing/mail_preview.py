"""What an editor of mails asks for: how it will look, what is wrong with it, and a test."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_customers.contact_fields import ContactId, display_name
from ..server_customers.contact_service import find_row
from ..server_emails import mail_blocks, mail_senders, marketing_mail, merge_fields
from ..server_emails.mail_blocks import MailContent
from ..server_integrations.integration_registry import INTEGRATIONS
from ..server_shared import audit, rate_limits
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import DeniedError, InvalidError
from ..server_shared.validators import Bool
from . import mail_hints

CONTENT = MailContent("The mail", required=True)
WHO = ContactId("Contact")
TESTS = rate_limits.Limit("mail test", 30, 3_600)


@server_callable(needs="marketing.view")
def list_merge_fields() -> dict[str, Any]:
    """What may stand for a person's data: ``{"fields": [{name, label, sample}], "sender"}``;
    ``sender`` says by whom mails go out."""
    samples = merge_fields.values_of(None, read_business())
    way = mail_senders.choose_sender()[0]
    return {
        "fields": [
            {"name": each.name, "label": each.label, "sample": samples[each.name]}
            for each in merge_fields.FIELDS.values()
        ],
        "sender": INTEGRATIONS[way].title if way in INTEGRATIONS else "Mybizz",
    }


@server_callable(
    needs="marketing.view",
    takes={"content": CONTENT, "contact_id": WHO, "with_missing": Bool("Count", default=False)},
)
def preview_mail(
    content: dict[str, Any], contact_id: str | None = None, with_missing: bool = False
) -> dict[str, Any]:
    """A mail as a contact would get it, or a sample person: ``{"subject", "preheader", "html",
    "text", "size_bytes", "person", "hints", "missing"}``.

    A hint has ``level`` (fault, warning, info), ``text`` and ``field``. ``missing`` says of how
    many contacts who get marketing a field is not known, if asked for: ``{name, label, missing,
    has_fallback}``. Raises :class:`InvalidError` by field where the mail cannot be read at all.
    """
    contact = find_row(contact_id) if contact_id else None
    business = read_business()
    made = marketing_mail.render(content, contact, business, marketing_mail.footer_of(business))
    size = len(made.html.encode())
    missing = count_missing(content) if with_missing else []
    return {
        "subject": made.subject,
        "preheader": made.preheader,
        "html": made.html,
        "text": made.text,
        "size_bytes": size,
        "person": display_name(contact) if contact is not None else "",
        "hints": [hint.to_dict() for hint in mail_hints.find_hints(content, size)],
        "missing": missing,
    }


def count_missing(content: Mapping[str, Any], *conditions: Any) -> list[dict[str, Any]]:
    """How many of those whom marketing reaches (narrowed by ``conditions`` on contacts) lack a
    field that this mail uses: ``[{"name", "label", "missing", "has_fallback"}]``."""
    reached = q.all_of(preferences={"marketing_opt_in": True}, deleted_at=None)
    uses = mail_blocks.uses_in(content)
    return merge_fields.count_missing(uses, reached, *scopes.contact_terms(), *conditions)


@server_callable(
    needs="marketing.manage",
    takes={"content": CONTENT, "contact_id": WHO},
    audit="mail.test",
    atomic=False,
)
def send_mail_test(content: dict[str, Any], contact_id: str | None = None) -> dict[str, Any]:
    """Send a mail to whoever calls, at once, with the data of a contact or of a sample person:
    ``{"is_sent", "message"}``.

    Raises :class:`InvalidError` by field where it is not finished, :class:`DeniedError` where a
    script calls, and :class:`TooManyError`.
    """
    actor = current_actor()
    if not actor.email:
        raise DeniedError("A script has no mailbox.")
    try:
        mail_blocks.check_ready(content)
    except InvalidError as error:
        raise InvalidError(f"Not sent yet: {error.message}", fields=error.fields) from error
    contact = find_row(contact_id) if contact_id else None
    rate_limits.take(TESTS, actor.email)
    attempt = mail_senders.attempt(_test_mail(content, contact, actor.email, actor.name))
    is_sent = attempt.state == mail_senders.TAKEN
    message = (
        f"Sent to {actor.email}. Please look into your mailbox." if is_sent else attempt.message
    )
    audit.record("test", "mail", "", details={"is_sent": is_sent, "message": message})
    return {"is_sent": is_sent, "message": message}


def _test_mail(
    content: Mapping[str, Any], contact: Any, email: str, name: str
) -> mail_senders.OutgoingMail:
    business = read_business()
    made = marketing_mail.render(content, contact, business, marketing_mail.footer_of(business))
    return replace(
        marketing_mail.outgoing(made, business, mail_id=secrets.token_hex(12)),
        to=email,
        to_name=name,
        subject=f"[Test] {made.subject}",
    )
