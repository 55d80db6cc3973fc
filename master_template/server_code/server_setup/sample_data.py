"""Sample data: a yoga studio as it looks after a year of business."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from anvil.tables import app_tables

from ..server_auth.rbac import CUSTOMER, MANAGER, STAFF
from ..server_customers.contact_fields import SOURCE_TEXTS, derived_columns
from ..server_customers.contact_service import new_columns, remember_tags
from ..server_customers.timeline_service import event_columns
from ..server_privacy.consent_record import record_opt_ins
from ..server_shared import audit, clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.config import read_business, settings_row
from ..server_shared.sequences import CONTACTS, take_numbers
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Password, Text, fold
from .instance_setup import make_user
from .sample_business import add_business
from .sample_people import CALLS, EMAILS, NOTES, PEOPLE, VISITS

# The same every time, so that two runs and two machines show the same studio.
SEED = 20_260_704
PROFILE = {
    "tagline": "Move, breathe, come home to yourself",
    "description": "A small studio in the heart of Cape Town. Vinyasa, yin and meditation for "
    "people who have never stood on a mat, and for those who have for years.\n\n"
    "Come as you are: mats, blocks and tea are here.",
    "email": "hello@yogastudio.example",
    "phone": "+27 21 555 0100",
    "address": {
        "line1": "14 Bree Street",
        "city": "Cape Town",
        "postal_code": "8001",
        "country": "South Africa",
    },
}
PRICE_CENTS = (18_000, 22_000, 45_000, 95_000, 140_000)  # a class, a workshop, a pass

CAST = (
    ("mia", "Mia", "Fourie", MANAGER),
    ("sam", "Sam", "Petersen", STAFF),
    ("carl", "Carl", "Jansen", CUSTOMER),
)


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "password": Password("Password"),
        "domain": Text("Domain", max_chars=100, default="yogastudio.example"),
    },
    audit=("contact.fill_sample_data", "user.create"),
)
def fill_sample_data(password: str, domain: str = "yogastudio.example") -> dict[str, Any]:
    """Fill an instance that is set up and has no contacts yet.

    Gives ``contacts`` and ``events`` (how many there are), ``users`` (``email``, ``role`` and
    ``name`` of everyone who can log in) and ``created`` (whether this call made them).
    """
    created = _fill(password, domain)
    users = [
        {
            "email": user["email"],
            "role": user["role"],
            "name": f"{user['first_name']} {user['last_name']}",
        }
        for user in app_tables.users.search()
    ]
    return {
        "created": created,
        "contacts": len(app_tables.contacts.search()),
        "events": len(app_tables.contact_events.search()),
        "users": users,
    }


@in_transaction
def _fill(password: str, domain: str) -> bool:
    for name, first_name, last_name, role in CAST:
        email = f"{name}@{domain}"
        if app_tables.users.get(email=email) is None:
            make_user(
                email=email,
                password=password,
                first_name=first_name,
                last_name=last_name,
                role=role,
            )
    if len(app_tables.contacts.search()) > 0:
        audit.unchanged()
        return False
    settings = settings_row()
    settings.update(**{name: value for name, value in PROFILE.items() if not settings[name]})
    _add_contacts(random.Random(SEED))
    audit.record("fill_sample_data", "contact", "", details={"contacts": len(PEOPLE)})
    return True


def _add_contacts(dice: random.Random) -> None:
    currency = read_business().currency
    numbers = take_numbers(CONTACTS, len(PEOPLE))
    now = clock.now()
    histories = [_history(dice, now) for _ in PEOPLE]
    rows = app_tables.contacts.add_rows(
        _columns(dice, person, number, currency, history)
        for person, number, history in zip(PEOPLE, numbers, histories, strict=True)
    )
    app_tables.contact_events.add_rows(
        {**event_columns(row, kind, text, data, event_date=at), "author_name": author}
        for row, history in zip(rows, histories, strict=True)
        for at, kind, text, data, author in history
    )
    payments = [
        (row, at, data["amount_cents"])
        for row, history in zip(rows, histories, strict=True)
        for at, kind, _, data, _ in history
        if kind == "payment"
    ]
    add_business(random.Random(SEED), rows, payments, read_business(), now)
    record_opt_ins(rows, "Ticked the box on the form at the front desk")
    remember_tags(tag for person in PEOPLE for tag in person[5])


History = list[tuple[datetime, str, str, dict[str, Any], str]]


def _history(dice: random.Random, now: datetime) -> History:
    """What happened with one person, oldest first: when, kind, text, data, who wrote it."""
    days = dice.choice([3, 12, 25, 40, 90, 150, 220, 300, 380])
    at = now - timedelta(days=days, minutes=dice.randrange(600))
    source = dice.choice(["website", "referral", "walk_in", "social", "manual"])
    events: History = [(at, "created", SOURCE_TEXTS[source], {"source": source}, "Sam Petersen")]
    # A third of the people came for a while and then no more.
    until = now if dice.random() < 0.65 else at + timedelta(days=days * dice.uniform(0.2, 0.6))
    for _ in range(dice.randrange(0, 9)):
        when = at + (until - at) * dice.random()
        kind = dice.choices(["visit", "payment", "note", "email", "call"], [5, 3, 2, 2, 1])[0]
        data: dict[str, Any] = {}
        if kind == "payment":
            cents = dice.choice(PRICE_CENTS)
            data = {"amount_cents": cents}
            text = "Paid at the front desk"
        else:
            text = dice.choice(
                {"visit": VISITS, "note": NOTES, "email": EMAILS, "call": CALLS}[kind]
            )
        events.append((when, kind, text, data, dice.choice(["Mia Fourie", "Sam Petersen"])))
    return sorted(events, key=lambda event: event[0])


def _columns(
    dice: random.Random,
    person: tuple[str, str, str, str, str, tuple[str, ...]],
    number: int,
    currency: str,
    history: History,
) -> dict[str, Any]:
    first_name, last_name, company, city, phone, tags = person
    payments = [event[3]["amount_cents"] for event in history if event[1] == "payment"]
    added, last = history[0][0], history[-1][0]
    quiet_days = (clock.now() - last).days
    # Lifecycle stages as scope C2 draws the lines.
    stage = "lost" if quiet_days > 180 else "at_risk" if quiet_days >= 90 else "active"
    mailbox = fold(f"{first_name}.{last_name}").replace(" ", ".").replace("'", "")
    mailbox = mailbox.encode("ascii", "ignore").decode()
    columns = {
        **new_columns(
            {
                "first_name": first_name,
                "last_name": last_name,
                "email": f"{mailbox[:60]}@example.com" if dice.random() < 0.92 else None,
                "phone": phone or None,
                "company": company or None,
                "address": {"city": city},
                "status": "customer" if payments else "inactive" if stage == "lost" else "lead",
                "source": history[0][3]["source"],
                "tags": list(tags),
                "internal_notes": None,
                "preferences": {"marketing_opt_in": dice.random() < 0.6, "channel": "email"},
                "date_added": added,
            },
            number,
            currency,
        ),
        "last_contact_date": last,
        "lifecycle_stage": stage if payments else "new" if stage == "active" else stage,
        "total_spent_cents": sum(payments),
        "total_transactions": len(payments),
        "average_order_value_cents": sum(payments) // len(payments) if payments else 0,
    }
    return {**columns, **derived_columns(columns)}
