"""The record of consent: who agreed to what, when and from where. Entries are only ever added.

GDPR article 7(1) wants consent shown, and 7(3) that taking it back is as easy; POPIA section 69 the
same of direct marketing. What holds now is the newest entry of a kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import CUSTOMER, current_actor
from ..server_shared import clock
from ..server_shared.happenings import tell

MARKETING, TERMS, PRIVACY_POLICY = "marketing", "terms", "privacy_policy"
KINDS = (MARKETING, TERMS, PRIVACY_POLICY)
PERSON, BUSINESS = "person", "business"


def record(
    contact: Any,
    kind: str,
    is_given: bool,
    *,
    version: str | None = None,
    evidence: str = "",
    given_by: str = "",
) -> Any:
    """Add an entry in the name of who is acting; give its row. ``version`` is that of the text
    which was agreed to, ``evidence`` how the business knows, ``given_by`` PERSON where someone
    decides for themselves who is not logged in. Call it inside the transaction of what the consent
    changes."""
    columns = consent_columns(contact, kind, is_given, version=version, evidence=evidence)
    if given_by:
        columns["given_by"] = given_by
    row = app_tables.consents.add_row(**columns)
    if kind == MARKETING:
        tell("marketing_consent", contact=contact, is_given=is_given, given_by=columns["given_by"])
    return row


def record_opt_in(contact: Any, before: Mapping[str, Any] | None, evidence: str) -> None:
    """Add an entry if the contact's row says something else about marketing than ``before`` did."""
    now_given = is_opted_in(contact["preferences"])
    if now_given != is_opted_in(before):
        record(contact, MARKETING, now_given, evidence=evidence)


def record_opt_ins(contacts: Iterable[Any], evidence: str) -> None:
    """Add an entry for each of these new contacts that allows marketing, all in one request."""
    app_tables.consents.add_rows(
        consent_columns(contact, MARKETING, True, evidence=evidence)
        for contact in contacts
        if is_opted_in(contact["preferences"])
    )


def record_of_account(
    account: Any, contact: Any, kind: str, *, version: str | None, evidence: str, ip: str
) -> None:
    """Add an entry in the name of an account's person, who may have no contact yet and need not be
    logged in: someone who signs up."""
    name = " ".join(part for part in (account["first_name"], account["last_name"]) if part)
    app_tables.consents.add_row(
        contact=contact,
        account=account,
        email=account["email"],
        kind=kind,
        is_given=True,
        version=version,
        evidence=evidence,
        given_by=PERSON,
        author_name=name,
        created_by=account,
        ip_address=ip or None,
        recorded_at=clock.now(),
    )


def search_of(contact: Any, account: Any, kinds: Sequence[str] = KINDS) -> Any:
    """The entries of a contact and of an account, newest first; either may be None."""
    whose = []
    if contact is not None:
        # With those that are part of it by now, whose entries stay where they are.
        merged = app_tables.contacts.search(q.fetch_only(), merged_into=contact)
        whose.append(q.all_of(contact=q.any_of(contact, *merged)))
    if account is not None:
        whose.append(q.all_of(account=account))
    return app_tables.consents.search(
        q.any_of(*whose),
        tables.order_by("recorded_at", ascending=False),
        kind=q.any_of(*kinds),
    )


def is_opted_in(preferences: Mapping[str, Any] | None) -> bool:
    """Whether these preferences of a contact allow marketing by e-mail."""
    return bool((preferences or {}).get("marketing_opt_in"))


def consent_columns(
    contact: Any, kind: str, is_given: bool, *, version: str | None = None, evidence: str = ""
) -> dict[str, Any]:
    """The columns of an entry to be, for a caller that writes many at once."""
    actor = current_actor()
    return {
        "contact": contact,
        "email": contact["email"],
        "kind": kind,
        "is_given": is_given,
        "version": version,
        "evidence": evidence,
        "given_by": PERSON if actor.role == CUSTOMER else BUSINESS,
        "author_name": actor.author_name,
        "created_by": actor.row,
        "ip_address": actor.ip or None,
        "recorded_at": clock.now(),
    }


def consent_dict(row: Any) -> dict[str, Any]:
    """An entry as a caller sees it."""
    return {
        "kind": row["kind"],
        "is_given": bool(row["is_given"]),
        "version": row["version"],
        "evidence": row["evidence"],
        "email": row["email"],
        "given_by": row["given_by"],
        "author_name": row["author_name"],
        "ip_address": row["ip_address"],
        "recorded_at": row["recorded_at"],
    }
