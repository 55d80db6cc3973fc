"""Agreeing to the terms and the privacy policy: at sign-up, and again when a text has changed.

An entry names the version of the text that the person had before them. Who signs up agrees before
their address is confirmed, so there is no contact yet: the entry is the account's, which leads to
the contact once there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..server_auth.rbac import current_actor
from ..server_customers.account_contact import customer_account, ensure_contact
from ..server_settings.legal_texts import current_versions
from ..server_shared import audit
from ..server_shared.callables import LOGGED_IN, PUBLIC, server_callable
from ..server_shared.errors import InvalidError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Rule
from . import consent_record

KINDS = (consent_record.TERMS, consent_record.PRIVACY_POLICY)
AT_SIGN_UP = "Ticked when signing up"
IN_PORTAL = "Agreed on the customer's own pages"


class AgreedVersions(Rule):
    """The texts that someone agrees to, ``{"terms": version, "privacy_policy": version}``, each in
    the version that holds now: nobody agrees to what they have not had before them."""

    def clean(self, value: Any) -> dict[str, str]:
        if not value:
            raise InvalidError("Please agree to the terms and the privacy policy.")
        if value != newest_versions():
            raise InvalidError(
                "Our terms or our privacy policy have just changed. Please read them once more."
            )
        return dict(value)


AGREED = AgreedVersions("Your agreement")


@server_callable(needs=PUBLIC)
def get_agreement_texts() -> dict[str, Any]:
    """``{"versions": {"terms": version, "privacy_policy": version}}``: the texts that hold now."""
    return {"versions": newest_versions()}


def newest_versions() -> dict[str, str]:
    """The version that holds now of each of KINDS."""
    current = current_versions()
    return {kind: current[kind] for kind in KINDS}


@in_transaction
def record_sign_up(account: Any, agreed: Mapping[str, str], *, marketing: bool) -> None:
    """Add the entries of someone who has just made an account."""
    for kind in KINDS:
        _record(account, None, kind, agreed[kind], AT_SIGN_UP)
    if marketing:
        _record(account, None, consent_record.MARKETING, None, AT_SIGN_UP)


def outstanding(account: Any, contact: Any) -> dict[str, str]:
    """The texts that this person has not agreed to as they are now: version by kind."""
    agreed = {
        (row["kind"], row["version"])
        for row in consent_record.search_of(contact, account, kinds=KINDS)
        if row["is_given"]
    }
    return {
        kind: version
        for kind, version in current_versions().items()
        if (kind, version) not in agreed
    }


@server_callable(needs=LOGGED_IN, takes={"agreed": AGREED}, audit="consent.agree")
def agree_to_texts(agreed: dict[str, str]) -> dict[str, Any]:
    """Note that the customer who is logged in agrees to the texts that hold now."""
    _agree(customer_account(), agreed)
    return {}


@in_transaction
def _agree(account: Any, agreed: Mapping[str, str]) -> None:
    contact = ensure_contact(account)
    missing = outstanding(account, contact)
    for kind in missing:
        _record(account, contact, kind, agreed[kind], IN_PORTAL)
    if missing:
        changes = {kind: [None, agreed[kind]] for kind in missing}
        audit.record("agree", "consent", contact["contact_id"], changes)
    else:
        audit.unchanged()


def _record(account: Any, contact: Any, kind: str, version: str | None, evidence: str) -> None:
    consent_record.record_of_account(
        account, contact, kind, version=version, evidence=evidence, ip=current_actor().ip
    )
