"""What becomes of the rows about a person who is erased: the one place where that is declared.

Where money was involved the books stay (tax law wants them for years; GDPR article 17(3)(b), POPIA
section 14) and only stop saying whose they are. All else goes. A table without a rule stops the
erasure, and a test, so that nobody adds one and forgets this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..server_auth.rbac import STAFF_ROLES
from ..server_customers.contact_fields import NOBODY, derived_columns
from ..server_shared.errors import AppError, ConflictError
from .person_rows import Person, Rows

ERASED = "erased"
MONEY_EVENTS = {"order": "Order", "payment": "Payment", "refund": "Refund"}


@dataclass(frozen=True)
class Erasing:
    """Who is erased, and at what moment."""

    person: Person
    at: datetime


# What a row's columns become, or None where the row goes.
Step = Callable[[Any, Erasing], dict[str, Any] | None]


@dataclass(frozen=True)
class ErasureRule:
    """``is_money``: a row in this table means that money was involved."""

    without_money: Step
    with_money: Step
    is_money: bool = False


def delete(row: Any, erasing: Erasing) -> None:
    """The row goes."""


def anonymise_contact(row: Any, erasing: Erasing) -> dict[str, Any]:
    """A contact without a person: the number and the sums stay, for the books."""
    nobody = {**NOBODY, "first_name": "Erased", "last_name": "contact"}
    return {
        **nobody,
        **derived_columns({**nobody, "contact_id": row["contact_id"]}),
        "segments": [],
        "deleted_at": row["deleted_at"] or erasing.at,
        "erased_at": erasing.at,
        "updated_at": erasing.at,
        "version": int(row["version"] or 1) + 1,
    }


def keep_only_sums(row: Any, erasing: Erasing) -> dict[str, Any] | None:
    """Of a timeline the orders and payments, and of these the numbers."""
    name = MONEY_EVENTS.get(row["event_type"])
    if name is None:
        return None
    data = row["event_data"] or {}
    sums = {
        key: value
        for key, value in dict(data).items()
        if key == "currency" or (isinstance(value, int | float) and not isinstance(value, bool))
    }
    return {"description": name, "event_data": sums}


def keep_only_decision(row: Any, erasing: Erasing) -> dict[str, Any]:
    """Of a consent that it was given or taken back, and when. The record is only added to, so it
    stays even where the contact goes, and then says nothing of whom."""
    return {
        "account": None,
        "email": None,
        "ip_address": None,
        "evidence": None,
        "author_name": None,
    }


def keep_only_booking(row: Any, erasing: Erasing) -> dict[str, Any]:
    """Of a booking what was sold, when and for how much."""
    snapshot = dict(row["service_snapshot"] or {})
    name = {key: value for key, value in snapshot.items() if key == "name"}
    return {"notes": None, "service_snapshot": name, "idempotency_key": None}


def keep_as_it_is(row: Any, erasing: Erasing) -> dict[str, Any]:
    """Of a transaction the number and the amount, which say nothing of anyone by themselves."""
    return {}


def keep_only_payment(row: Any, erasing: Erasing) -> dict[str, Any]:
    """Of a payment the amounts and the provider's own numbers, by which the books are checked."""
    return {"provider_metadata": {}, "failure_message": None, "idempotency_key": None}


def keep_only_conversion(row: Any, erasing: Erasing) -> dict[str, Any]:
    """Of what followed a mail all: it holds an amount and a number, and no word."""
    return {}


def delete_customer(row: Any, erasing: Erasing) -> None:
    """A customer's account goes. Raises :class:`ConflictError` for one of the staff."""
    if row["role"] in STAFF_ROLES:
        raise ConflictError(
            "This person has an account to work here. Take that away first.", code="works_here"
        )


def keep_only_outcome(row: Any, erasing: Erasing) -> dict[str, Any]:
    """Of a mail what became of it, so that the sums of a broadcast stay true. What waits is never
    sent."""
    nobody = {
        "contact": None,
        "recipient_email": None,
        "address_hash": None,
        "provider_id": None,
        "detail": None,
        "bounce_text": None,
    }
    if row["state"] != "planned":
        return nobody
    skipped = {"state": "skipped", "reason": ERASED, "started_at": None, "due_at": None}
    return {**nobody, **skipped, "settled_at": erasing.at}


def keep_only_hash(row: Any, erasing: Erasing) -> dict[str, Any]:
    """Of a suppression what is needed to keep the promise never to write to the address again: a
    keyed hash, from which nobody gets the address back."""
    return {"email": None, "detail": None, "source": None, "lifted_by": None, "lift_reason": None}


def redact_entry(row: Any, erasing: Erasing) -> dict[str, Any]:
    """An entry of the audit log says what was done, but not by or to whom, nor to what values."""
    person = erasing.person
    changed: dict[str, Any] = {}
    if row["user_email"] in person.emails:
        changed |= {"user_email": ERASED, "ip_address": None}
    if row["resource_id"] in (*person.emails, *person.contact_ids):
        for column in ("changes", "details"):
            changed[column] = dict.fromkeys(dict(row[column] or {}), ERASED)
    if row["resource_id"] in person.emails:
        changed["resource_id"] = ERASED
    return changed


RULES: dict[str, ErasureRule] = {
    "contacts": ErasureRule(without_money=delete, with_money=anonymise_contact),
    "contact_events": ErasureRule(without_money=delete, with_money=keep_only_sums),
    "consents": ErasureRule(without_money=keep_only_decision, with_money=keep_only_decision),
    "users": ErasureRule(without_money=delete_customer, with_money=delete_customer),
    "invitations": ErasureRule(without_money=delete, with_money=delete),
    "email_log": ErasureRule(without_money=delete, with_money=delete),
    "mail_sends": ErasureRule(without_money=keep_only_outcome, with_money=keep_only_outcome),
    "mail_events": ErasureRule(without_money=delete, with_money=delete),
    "mail_suppressions": ErasureRule(without_money=keep_only_hash, with_money=keep_only_hash),
    "outbox": ErasureRule(without_money=delete, with_money=delete),
    "audit_log": ErasureRule(without_money=redact_entry, with_money=redact_entry),
    "bookings": ErasureRule(without_money=delete, with_money=keep_only_booking),
    "payments": ErasureRule(without_money=delete, with_money=keep_only_payment, is_money=True),
    "bulk_change_rows": ErasureRule(without_money=delete, with_money=delete),
    "duplicate_dismissals": ErasureRule(without_money=delete, with_money=delete),
    "tasks": ErasureRule(without_money=delete, with_money=delete),
    "contact_transactions": ErasureRule(without_money=delete, with_money=keep_as_it_is),
    "lead_submissions": ErasureRule(without_money=delete, with_money=delete),
    "referral_codes": ErasureRule(without_money=delete, with_money=delete),
    "referrals": ErasureRule(without_money=delete, with_money=delete),
    "referral_rewards": ErasureRule(without_money=keep_as_it_is, with_money=keep_as_it_is),
    "review_requests": ErasureRule(without_money=delete, with_money=delete),
    "reviews": ErasureRule(without_money=delete, with_money=delete),
    "release_dismissals": ErasureRule(without_money=delete, with_money=delete),
    "contact_campaigns": ErasureRule(without_money=delete, with_money=delete),
    "mail_conversions": ErasureRule(without_money=delete, with_money=keep_only_conversion),
}


def has_money(person: Person, rows: Rows) -> bool:
    """Whether this person ever paid or ordered."""
    paid = any(row["total_transactions"] or row["total_spent_cents"] for row in person.contacts)
    return paid or any(RULES[table].is_money for table in rows if table in RULES)


def step_of(table: str, with_money: bool) -> Step:
    """What becomes of the rows of a table. Raises :class:`AppError` (``no_erasure_rule``)."""
    rule = RULES.get(table)
    if rule is None:
        raise AppError(
            f"Nobody has declared what becomes of a person's rows in the table {table}. Nothing "
            "has been erased.",
            code="no_erasure_rule",
        )
    return rule.with_money if with_money else rule.without_money
