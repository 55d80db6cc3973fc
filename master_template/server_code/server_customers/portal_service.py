"""What a customer sees and changes of their own. Whose own is never asked, but known by the log-in.

Every function here goes by :func:`account_contact.customer_account`; none takes an id.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_marketing import tracking_links
from ..server_privacy import agreements, consent_record
from ..server_shared import audit
from ..server_shared.callables import LOGGED_IN, server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Record
from .account_contact import customer_account, ensure_contact, find_contact
from .contact_fields import contact_rules
from .contact_service import apply_changes
from .portal_parts import parts_of

# What a customer may change of themselves. The address of the log-in is not among them.
OWN_FIELDS = ("first_name", "last_name", "phone", "address")
_ON_ACCOUNT = ("first_name", "last_name", "phone")
# Events that the product wrote about what both sides had to do with each other. What staff typed
# (notes, calls) is theirs; an export has it.
OWN_EVENTS = ("booking", "order", "payment", "membership")
MAX_EVENTS = 8
MAX_CONSENTS = 50


def own_rules() -> dict[str, Any]:
    """A rule for each of OWN_FIELDS."""
    rules = contact_rules()
    return {name: rules[name] for name in OWN_FIELDS}


@server_callable(needs=LOGGED_IN)
def get_my_dashboard() -> dict[str, Any]:
    """What a customer's first page shows.

    ``profile`` as :func:`get_my_account`; ``parts`` of the portal that show; ``activity``: newest
    first, ``event_type``, ``event_date``, ``amount_cents`` and ``currency`` (None where no money
    was involved); ``business``: ``business_name``, ``email``, ``phone`` and ``address``; and
    ``outstanding``: the texts to agree to, as ``agreements.outstanding`` gives them, with
    ``versions``: those of all texts that hold now.
    """
    account = customer_account()
    contact = find_contact(account)
    business = read_business()
    return {
        "profile": _profile(account, contact),
        "parts": parts_of(current_actor(), business),
        "activity": _activity(contact),
        "business": _public_card(business),
        "outstanding": agreements.outstanding(account, contact),
        "versions": agreements.newest_versions(),
    }


@server_callable(needs=LOGGED_IN)
def get_my_account() -> dict[str, Any]:
    """``profile`` (OWN_FIELDS, ``email`` and ``member_since``), ``is_opted_in`` to marketing by
    e-mail, ``measuring``: whether it is counted what they open and click (None where the business
    counts that of nobody), and ``consents``: newest first, ``kind``, ``is_given``, ``version``,
    ``given_by`` and ``recorded_at`` of each."""
    account = customer_account()
    contact = find_contact(account)
    setting = tracking_links.read_setting()
    is_off = setting == tracking_links.OFF
    return {
        "profile": _profile(account, contact),
        "is_opted_in": bool(contact) and consent_record.is_opted_in(contact["preferences"]),
        "measuring": None if is_off else tracking_links.may_track(account["email"], setting),
        "consents": _consents(account, contact),
    }


@server_callable(
    needs=LOGGED_IN,
    takes={"changes": Record("Your details", own_rules(), partial=True, required=True)},
    audit="contact.update",
)
def update_my_profile(changes: dict[str, Any]) -> dict[str, Any]:
    """Change some of OWN_FIELDS, on the account and on the contact: ``{"profile": {...}}``.

    What the business changed meanwhile in other fields stays; in the same one the person's own
    word counts.
    """
    return {"profile": _update(customer_account(), changes)}


@in_transaction
def _update(account: Any, changes: dict[str, Any]) -> dict[str, Any]:
    contact = ensure_contact(account)
    changed = {name: value for name, value in changes.items() if contact[name] != value}
    on_account = {
        name: value
        for name, value in changes.items()
        if name in _ON_ACCOUNT and account[name] != value
    }
    if on_account:
        before = {name: account[name] for name in on_account}
        account.update(**on_account)
        audit.record(
            "update",
            "user",
            account["email"],
            {name: [before[name], value] for name, value in on_account.items()},
        )
    if changed:
        apply_changes(contact, changed)
    else:
        audit.unchanged()
    return _profile(account, contact)


def _profile(account: Any, contact: Any) -> dict[str, Any]:
    source = account if contact is None else contact
    address = {} if contact is None else contact["address"]
    return {
        "first_name": source["first_name"] or "",
        "last_name": source["last_name"] or "",
        "phone": source["phone"] or "",
        "address": dict(address or {}),
        "email": account["email"],
        "member_since": account["signed_up"],
    }


def _activity(contact: Any) -> list[dict[str, Any]]:
    if contact is None:
        return []
    found = app_tables.contact_events.search(
        tables.order_by("event_date", ascending=False),
        q.fetch_only("event_type", "event_date", "event_data"),
        q.page_size(MAX_EVENTS),
        contact_number=int(contact["number"]),
        event_type=q.any_of(*OWN_EVENTS),
        user_visible=True,
    )
    return [_event(row) for row in islice(found, MAX_EVENTS)]


def _event(row: Any) -> dict[str, Any]:
    data = dict(row["event_data"] or {})
    return {
        "event_type": row["event_type"],
        "event_date": row["event_date"],
        "amount_cents": data.get("amount_cents"),
        "currency": data.get("currency"),
    }


def _consents(account: Any, contact: Any) -> list[dict[str, Any]]:
    found = consent_record.search_of(contact, account)
    return [
        {
            "kind": row["kind"],
            "is_given": bool(row["is_given"]),
            "version": row["version"],
            "given_by": row["given_by"],
            "recorded_at": row["recorded_at"],
        }
        for row in islice(found, MAX_CONSENTS)
    ]


def _public_card(business: Business) -> dict[str, Any]:
    return {
        "business_name": business.business_name,
        "email": business.email,
        "phone": business.phone,
        "address": dict(business.address or {}),
    }
