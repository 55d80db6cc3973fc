"""What contacts have booked, bought and got back: each counts once, however often it is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from anvil.tables import TableError, TransactionConflict, app_tables

from ..server_shared import audit, clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.errors import ConflictError, NotFoundError
from ..server_shared.happenings import tell
from ..server_shared.sequences import CONTACTS, take_numbers
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Email, Int, Moment, Text
from ..server_shared.validators.places import currency as currency_rule
from . import lifecycle, timeline_service
from .contact_changes import add_contact, change_contact
from .contact_fields import SOURCE_TEXTS
from .contact_service import EMAIL_CONSTRAINT, new_columns

BOOKING, ORDER, MEMBERSHIP, PAYMENT, REFUND = "booking", "order", "membership", "payment", "refund"
TYPES = (BOOKING, ORDER, MEMBERSHIP, PAYMENT, REFUND)
# Where somebody comes from who is not known before their first transaction.
SOURCES = {BOOKING: "booking", ORDER: "order"}
# A timeline adds the amount.
DESCRIPTIONS = {
    BOOKING: "Booked",
    ORDER: "Ordered",
    MEMBERSHIP: "Took a membership",
    PAYMENT: "Paid",
    REFUND: "Refunded",
}
# The database's own guard against counting one twice (constraints.yaml).
CONSTRAINT = "contact_transactions_unique"
MAX_CENTS = 10**12

EMAIL = Email("E-mail", required=True)


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "email": EMAIL,
        "transaction_type": Choice("Transaction type", TYPES, required=True),
        "transaction_id": Text("Transaction id", max_chars=100, required=True),
        "amount": Int("Amount in cents", minimum=0, maximum=MAX_CENTS, required=True),
        "currency": currency_rule("Currency"),
        "happened_at": Moment("When it happened"),
        "first_name": Text("First name", max_chars=100, default=""),
        "last_name": Text("Last name", max_chars=100, default=""),
    },
    audit="contact.record_transaction",
)
def update_contact_from_transaction(
    email: str,
    transaction_type: str,
    transaction_id: str,
    amount: int,
    currency: str | None = None,
    happened_at: datetime | None = None,
    first_name: str = "",
    last_name: str = "",
) -> dict[str, Any]:
    """Count a transaction of whoever has this address, who is made a contact if they are none.

    ``amount`` is in cents of ``currency`` (the business's if None); of a ``refund`` it is what was
    given back. What is told again, with the same type and id, changes nothing. An amount in another
    currency than the contact's is recorded and counted, but not added to what they spent.

    Gives ``contact_id``, and ``is_new``: whether this had not been recorded. Raises
    :class:`ConflictError` (``transaction_differs``) where it was recorded with another amount, and
    :class:`NotFoundError` for a refund to somebody who is not known.
    """
    return _record(
        EMAIL.clean(email),
        transaction_type,
        str(transaction_id),
        int(amount),
        currency,
        happened_at,
        (first_name, last_name),
    )


@in_transaction
def _record(
    email: str,
    transaction_type: str,
    transaction_id: str,
    amount: int,
    currency: str | None,
    happened_at: datetime | None,
    names: tuple[str, str],
) -> dict[str, Any]:
    business = read_business()
    currency = currency or business.currency
    signed = -amount if transaction_type == REFUND else amount
    known = app_tables.contact_transactions.get(
        transaction_type=transaction_type, transaction_id=transaction_id
    )
    if known is not None:
        return _repeat(known, signed, currency)
    contact = app_tables.contacts.get(email=email, deleted_at=None)
    try:
        if contact is None:
            contact = _make_contact(email, transaction_type, names, business)
        happened_at = happened_at or clock.now()
        app_tables.contact_transactions.add_row(
            contact=contact,
            contact_number=int(contact["number"]),
            transaction_type=transaction_type,
            transaction_id=transaction_id,
            amount_cents=signed,
            currency=currency,
            happened_at=happened_at,
            recorded_at=clock.now(),
        )
    except TableError as error:
        if CONSTRAINT in str(error) or EMAIL_CONSTRAINT in str(error):
            # Somebody was faster with the same, or made the contact: look again.
            raise TransactionConflict(str(error)) from error
        raise
    _count(contact, transaction_type, signed, currency, happened_at, business)
    _tell(contact, transaction_type, transaction_id, signed, currency, happened_at)
    return {"contact_id": contact["contact_id"], "is_new": True}


def _repeat(known: Any, signed: int, currency: str) -> dict[str, Any]:
    if (int(known["amount_cents"]), known["currency"]) != (signed, currency):
        raise ConflictError(
            f"The {known['transaction_type']} {known['transaction_id']} has been recorded with "
            f"{known['amount_cents']} {known['currency']} (in cents), and now comes with {signed} "
            f"{currency}. What changes afterwards is recorded as a refund or of its own.",
            code="transaction_differs",
            field="amount",
        )
    audit.unchanged()
    contact = known["contact"]
    return {"contact_id": contact["contact_id"] if contact else None, "is_new": False}


def _make_contact(
    email: str, transaction_type: str, names: tuple[str, str], business: Business
) -> Any:
    if transaction_type == REFUND:
        raise NotFoundError(
            f"There is no contact {email} to give something back to.", field="email"
        )
    source = SOURCES.get(transaction_type, "other")
    (number,) = take_numbers(CONTACTS)
    values = {
        "first_name": names[0],
        "last_name": names[1],
        "email": email,
        "status": "customer",
        "source": source,
    }
    contact = add_contact(new_columns(values, number, business.currency))
    timeline_service.add_event(contact, "created", SOURCE_TEXTS[source], {"source": source})
    audit.record("create", "contact", contact["contact_id"], {"email": [None, email]})
    return contact


def _count(
    contact: Any,
    transaction_type: str,
    signed: int,
    currency: str,
    happened_at: datetime,
    business: Business,
) -> None:
    """Write the sums that follow. Amounts in another currency cannot be added."""
    spent = int(contact["total_spent_cents"] or 0)
    times = int(contact["total_transactions"] or 0)
    is_first = not times and not spent
    own_currency = currency if is_first else contact["currency"] or business.currency
    if currency == own_currency:
        spent = max(0, spent + signed)
    changed: dict[str, Any] = {"total_spent_cents": spent, "currency": own_currency}
    if transaction_type != REFUND:
        times += 1
        last = contact["last_contact_date"]
        changed |= {
            "total_transactions": times,
            "status": "customer",
            "last_contact_date": max(last, happened_at) if last else happened_at,
            "last_transaction_at": _later(contact["last_transaction_at"], happened_at),
        }
        zone = lifecycle.business_zone()
        today = lifecycle.day_of(clock.now(), zone)
        changed["lifecycle_stage"] = lifecycle.stage_of(
            changed["last_contact_date"], times, today, zone
        )
    if transaction_type == ORDER:
        changed["orders_count"] = int(contact["orders_count"] or 0) + 1
        changed["last_order_at"] = _later(contact["last_order_at"], happened_at)
    if transaction_type == BOOKING:
        changed |= lifecycle.booking_columns([contact])[contact.get_id()]
    changed["average_order_value_cents"] = (2 * spent + times) // (2 * times) if times else 0
    changed |= {"updated_at": clock.now(), "version": int(contact["version"]) + 1}
    change_contact(contact, changed)


def _later(one: datetime | None, other: datetime) -> datetime:
    return max(one, other) if one else other


def _tell(
    contact: Any,
    transaction_type: str,
    transaction_id: str,
    signed: int,
    currency: str,
    happened_at: datetime,
) -> None:
    timeline_service.add_event(
        contact,
        transaction_type,
        DESCRIPTIONS[transaction_type],
        {"amount_cents": signed, "currency": currency},
        related_id=transaction_id,
        event_date=happened_at,
    )
    audit.record(
        "record_transaction",
        "contact",
        contact["contact_id"],
        details={"type": transaction_type, "id": transaction_id, "amount_cents": signed},
    )
    tell(
        "transaction_recorded",
        contact=contact,
        transaction_type=transaction_type,
        transaction_id=transaction_id,
        amount_cents=signed,
    )
