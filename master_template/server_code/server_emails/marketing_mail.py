"""One marketing mail to one person: words, footer, headers, and what counts opens and clicks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..server_customers.contact_fields import display_name
from ..server_marketing import tracking_links
from ..server_settings.legal_texts import variable_values
from ..server_shared.config import Business, read_business
from . import marketing_layout, merge_fields
from .mail_blocks import check_ready
from .mail_senders import OutgoingMail
from .marketing_layout import Footer, RenderedMail

WHY = "You get this e-mail because you agreed to hear from us."


def compose(
    content: Mapping[str, Any],
    contact: Any,
    *,
    send_key: str,
    unsubscribe_url: str,
    headers: Mapping[str, str] | None = None,
    tags: list[str] | None = None,
) -> OutgoingMail:
    """A mail as it goes to a contact. ``send_key`` names it for the provider and comes back with
    what the provider reports; ``unsubscribe_url`` ends marketing by one POST (RFC 8058). Raises
    :class:`InvalidError` where the mail cannot be made."""
    business = read_business()
    setting = tracking_links.read_setting()
    redirect: Callable[[str], str] | None = None
    end = ""
    choice_url = "" if setting == tracking_links.OFF else tracking_links.choice_url(send_key)
    if tracking_links.may_track(contact["email"], setting):

        def redirect(target: str) -> str:
            return tracking_links.click_url(send_key, target)

        end = tracking_links.end_of_mail(send_key)
    ready = check_ready(content)
    footer = footer_of(business, unsubscribe_url, choice_url)
    made = render(ready, contact, business, footer, redirect=redirect, end=end)
    return replace(
        outgoing(made, business, mail_id=send_key),
        to=contact["email"],
        to_name=" ".join(display_name(contact).split()),
        headers={**unsubscribe_headers(unsubscribe_url), **(headers or {})},
        tags=list(tags or []),
    )


def outgoing(made: RenderedMail, business: Business, *, mail_id: str) -> OutgoingMail:
    """A mail that still needs whom it goes to."""
    return OutgoingMail(
        mail_id=mail_id,
        to="",
        to_name="",
        subject=made.subject,
        text=made.text,
        html=made.html,
        from_name=" ".join(business.business_name.split()),
        reply_to=business.email,
        is_marketing=True,
    )


def render(
    content: Mapping[str, Any],
    contact: Any,
    business: Business,
    footer: Footer,
    *,
    redirect: Callable[[str], str] | None = None,
    end: str = "",
) -> RenderedMail:
    """The words of a checked mail for a contact, or for a sample person where that is None."""
    return marketing_layout.render(
        content,
        merge_fields.values_of(contact, business),
        business,
        footer,
        origin=tracking_links.origin(),
        redirect=redirect,
        end=end,
    )


def footer_of(business: Business, unsubscribe_url: str = "", choice_url: str = "") -> Footer:
    """Who sends this and from where: CAN-SPAM (16 CFR 316), GDPR article 13, ECT Act section 45."""
    address = variable_values(business)["address"]
    reach = " · ".join(part for part in (business.email, business.phone) if part)
    lines = tuple(line for line in (business.business_name, address, reach) if line)
    return Footer(lines, unsubscribe_url, WHY, choice_url)


def unsubscribe_headers(url: str) -> dict[str, str]:
    """One click ends it, without opening the mail (RFC 8058 section 3.1)."""
    if not url:
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
