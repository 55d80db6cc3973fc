"""Each recipient's own say on whether it is counted what they open and click.

The page is reached by a link in the mail, and changes nothing until a button is pressed: scanners
of mails follow every link. A choice is kept by a keyed hash of the address, so that it holds
whatever becomes of the contact.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import anvil.server
from anvil.tables import app_tables

from ..server_customers.account_contact import customer_account, find_contact
from ..server_shared import audit, clock, signed_tokens
from ..server_shared.callables import LOGGED_IN, server_callable
from ..server_shared.config import Business
from ..server_shared.encryption import EMAIL, search_hash
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool
from ..server_site.answers import public_answer
from ..server_site.public_pages import render_page
from . import tracking_links

ALLOW, REFUSE = "allow", "refuse"
PATH = tracking_links.CHOICE_PATH

_TEMPLATE = """\
{% extends "layout" %}
{% block title %}{{ heading }} – {{ business.business_name }}{% endblock %}
{% block main %}
<section class="hero">
  <div class="inner">
    <h1>{{ heading }}</h1>
    <p class="lead"{% if step != "question" %} role="status"{% endif %}>{{ text }}</p>
    {% if step == "question" %}
    <form method="post" action="{{ action }}" class="actions">
      <button class="button" name="choice" value="refuse">Do not measure</button>
      <button class="button plain" name="choice" value="allow">You may measure</button>
    </form>
    {% else %}
    <p class="actions"><a class="button plain" href="/">To the start page</a></p>
    {% endif %}
  </div>
</section>
{% endblock %}
"""
_WORDS = {
    "question": (
        "May we see what you read?",
        "Our e-mails can tell us whether they were opened and which links were clicked, so that we "
        "write about what people care for. You decide whether yours do.",
    ),
    REFUSE: (
        "We no longer measure this",
        "Our next e-mails to you tell us nothing of what you open or click.",
    ),
    ALLOW: (
        "Thank you",
        "Our next e-mails to you tell us whether they were opened and what was clicked.",
    ),
    "unknown": (
        "This link does not work",
        "It may have been cut off on its way. Please open the link in the e-mail again, or answer "
        "the e-mail.",
    ),
}


@anvil.server.route(PATH + "/:token", methods=["GET", "HEAD", "POST"])
def mail_choice_page(token: str, **_query: str) -> Any:
    """Asks whether opens and clicks may be counted; a POST says so."""
    request = anvil.server.request
    send_key = signed_tokens.read(tracking_links.CHOICE, token)
    if send_key is None:
        return public_answer(_render("unknown", token), cache="no-store", status=404)
    choice = (request.form_params or {}).get("choice") if request.method == "POST" else None
    if choice not in (ALLOW, REFUSE):
        return public_answer(_render("question", token), cache="no-store")
    choose(send_key, choice == ALLOW)
    return public_answer(_render(choice, token), cache="no-store")


@in_transaction
def choose(send_key: str, is_allowed: bool) -> None:
    """Keep what the recipient of a mail has chosen."""
    send = app_tables.mail_sends.get(send_key=send_key)
    if send is None or not send["recipient_email"]:
        return  # Too old, or erased: nothing is counted of them anyway.
    _keep(send["recipient_email"], is_allowed)


def _keep(email: str, is_allowed: bool) -> None:
    hashed = search_hash(EMAIL, email)
    row = app_tables.mail_tracking_choices.get(address_hash=hashed)
    values = {"is_allowed": is_allowed, "chosen_at": clock.now()}
    if row is None:
        app_tables.mail_tracking_choices.add_row(address_hash=hashed, **values)
    else:
        row.update(**values)


@server_callable(
    needs=LOGGED_IN,
    takes={"is_allowed": Bool("Measuring", required=True)},
    audit="contact.update",
)
def set_my_tracking_choice(is_allowed: bool) -> dict[str, Any]:
    """Say whether it may be counted what one opens and clicks in the business's mails:
    ``{"is_allowed"}``. It holds for the address of the account."""
    _choose_own(is_allowed)
    return {"is_allowed": is_allowed}


@in_transaction
def _choose_own(is_allowed: bool) -> None:
    account = customer_account()
    before = _choice_of(account["email"])
    if before is is_allowed:
        audit.unchanged()
        return
    _keep(account["email"], is_allowed)
    contact = find_contact(account)
    contact_id = contact["contact_id"] if contact is not None else ""
    audit.record("update", "contact", contact_id, {"measuring": [before, is_allowed]})


def _choice_of(email: str) -> bool | None:
    row = app_tables.mail_tracking_choices.get(address_hash=search_hash(EMAIL, email))
    return None if row is None else bool(row["is_allowed"])


def _render(step: str, token: str) -> Any:
    def render(business: Business, **look: Any) -> str:
        heading, text = _WORDS[step]
        look = {**look, "asks_for_cookies": False, "heading": heading, "text": text}
        path = f"{PATH}/{quote(token)}"
        return render_page(_TEMPLATE, business, path, step=step, action=path, **look)

    return render
