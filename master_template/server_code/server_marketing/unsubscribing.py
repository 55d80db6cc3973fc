"""The way out of marketing: a link in each mail, good for that mail's recipient alone.

RFC 8058: the mail program POSTs to the address of ``List-Unsubscribe`` and the person is
unsubscribed, without a page or a question. Whoever follows the link gets a page with a button, as
scanners of mails follow every link, and a GET may change nothing (RFC 9110 section 9.2.1).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import anvil.server
from anvil.tables import app_tables

from ..server_auth.rbac import acting_as, read_actor
from ..server_shared import clock, signed_tokens
from ..server_shared.config import Business
from ..server_shared.transactions import in_transaction
from ..server_site.answers import public_answer
from ..server_site.public_pages import render_page
from . import mail_tallies, suppression

PURPOSE = "unsubscribe"
# What the address begins with; the token comes after it.
PATH = "/unsubscribe"

_TEMPLATE = """\
{% extends "layout" %}
{% block title %}{{ heading }} – {{ business.business_name }}{% endblock %}
{% block main %}
<section class="hero">
  <div class="inner">
    <h1>{{ heading }}</h1>
    <p class="lead"{% if step == "done" %} role="status"{% endif %}>{{ text }}</p>
    {% if step == "question" %}
    <form method="post" action="{{ action }}" class="actions">
      <button class="button">Unsubscribe</button>
      <a class="button plain" href="/">Keep the e-mails</a>
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
        "No more e-mails?",
        "We will send no more news and offers to your address. What concerns your bookings and "
        "orders still comes.",
    ),
    "done": (
        "You are unsubscribed",
        "We will send you no more news and offers. What concerns your bookings and orders still "
        "comes.",
    ),
    "unknown": (
        "This link does not work",
        "It may have been cut off on its way. Please open the link in the e-mail again, or answer "
        "the e-mail and ask us to stop.",
    ),
}


def unsubscribe_url(send: Any) -> str:
    """The address by which the recipient of a mail unsubscribes."""
    origin = (anvil.server.get_app_origin() or "").rstrip("/")
    return f"{origin}{PATH}/{signed_tokens.sign(PURPOSE, send['send_key'])}"


@anvil.server.route(PATH + "/:token", methods=["GET", "HEAD", "POST"])
def unsubscribe_page(token: str, **_query: str) -> Any:
    """Asks whether someone wants no more mails; a POST says so."""
    send_key = signed_tokens.read(PURPOSE, token)
    if send_key is None:
        return public_answer(_render("unknown", token), cache="no-store", status=404)
    if anvil.server.request.method != "POST":
        return public_answer(_render("question", token), cache="no-store")
    with acting_as(read_actor()):
        unsubscribe(send_key)
    return public_answer(_render("done", token), cache="no-store")


@in_transaction
def unsubscribe(send_key: str) -> bool:
    """Send the recipient of a mail no more marketing; give whether there was someone left to
    unsubscribe. Doing it again changes nothing."""
    send = app_tables.mail_sends.get(send_key=send_key)
    if send is None or not send["recipient_email"]:
        return False  # Too old, or erased: nobody is kept who could get a mail.
    if send["unsubscribed_at"] is None:
        mail_tallies.change(send, unsubscribed_at=clock.now())
    emails = {send["recipient_email"]}
    contact = send["contact"]
    if contact is not None and contact["deleted_at"] is None and contact["email"]:
        # Whoever has changed their address means the person, not the old address.
        emails.add(contact["email"])
    done = [suppression.suppress(email, "unsubscribed", source=send["source"]) for email in emails]
    return any(done)


def _render(step: str, token: str) -> Any:
    def render(business: Business, **look: Any) -> str:
        heading, text = _WORDS[step]
        # One question at a time: whoever wants no mails is not asked about cookies.
        look = {**look, "asks_for_cookies": False, "heading": heading, "text": text}
        path = f"{PATH}/{quote(token)}"
        return render_page(_TEMPLATE, business, path, step=step, action=path, **look)

    return render
