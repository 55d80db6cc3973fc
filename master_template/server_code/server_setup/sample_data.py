"""Sample data: a business of some kind (``verticals``) as it looks after a year."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from anvil.tables import app_tables

from ..server_auth.rbac import CUSTOMER
from ..server_customers.contact_changes import add_contacts
from ..server_customers.contact_fields import SOURCE_TEXTS, derived_columns
from ..server_customers.contact_service import new_columns, remember_tags
from ..server_customers.timeline_service import event_columns
from ..server_privacy.consent_record import record_opt_ins
from ..server_shared import audit, clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.config import read_business, settings_row
from ..server_shared.sequences import CONTACTS, take_numbers
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Text, fold
from .instance_setup import FirstPassword, make_user
from .sample_business import add_business
from .verticals import VERTICALS
from .verticals.prices import local_price
from .verticals.shape import Person, Vertical
from .verticals.yoga_studio import YOGA_STUDIO

# The same every time, so that two runs and two machines show the same business.
SEED = 20_260_704


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "password": FirstPassword("Password"),
        "domain": Text("Domain", max_chars=100, default="yogastudio.example"),
        "vertical": Choice("Kind of business", tuple(VERTICALS), default=YOGA_STUDIO.name),
    },
    audit=("contact.fill_sample_data", "user.create"),
)
def fill_sample_data(
    password: str | None = None,
    domain: str = "yogastudio.example",
    vertical: str = YOGA_STUDIO.name,
) -> dict[str, Any]:
    """Fill an instance that is set up and has no contacts yet. Without a password the colleagues'
    accounts can't be logged in to.

    Gives ``contacts`` and ``events`` (how many there are), ``users`` (``email``, ``role`` and
    ``name`` of everyone who can log in) and ``created`` (whether this call made them).
    """
    created = _fill(VERTICALS[vertical], password, domain)
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
def _fill(vertical: Vertical, password: str | None, domain: str) -> bool:
    for colleague in vertical.colleagues:
        email = f"{colleague.mailbox}@{domain}"
        if app_tables.users.get(email=email) is None:
            make_user(
                email=email,
                password=password,
                first_name=colleague.first_name,
                last_name=colleague.last_name,
                role=colleague.role,
            )
    if len(app_tables.contacts.search()) > 0:
        audit.unchanged()
        return False
    settings = settings_row()
    profile = vertical.profile
    settings.update(**{name: value for name, value in profile.items() if not settings[name]})
    _add_contacts(vertical, random.Random(SEED))
    audit.record("fill_sample_data", "contact", "", details={"contacts": len(vertical.people)})
    return True


def _add_contacts(vertical: Vertical, dice: random.Random) -> None:
    people = vertical.people
    currency = read_business().currency
    numbers = take_numbers(CONTACTS, len(people))
    now = clock.now()
    histories = [_history(vertical, dice, currency, now) for _ in people]
    rows = add_contacts(
        _columns(dice, person, number, currency, history)
        for person, number, history in zip(people, numbers, histories, strict=True)
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
    add_business(vertical, random.Random(SEED), rows, payments, read_business(), now)
    record_opt_ins(rows, vertical.opt_in)
    remember_tags(tag for person in people for tag in person.tags)


History = list[tuple[datetime, str, str, dict[str, Any], str]]


def _history(vertical: Vertical, dice: random.Random, currency: str, now: datetime) -> History:
    """What happened with one person, oldest first: when, kind, text, data, who wrote it."""
    colleagues = [each.name for each in vertical.colleagues if each.role != CUSTOMER]
    days = dice.choice([3, 12, 25, 40, 90, 150, 220, 300, 380])
    at = now - timedelta(days=days, minutes=dice.randrange(600))
    source = dice.choice(vertical.sources)
    events: History = [(at, "created", SOURCE_TEXTS[source], {"source": source}, colleagues[-1])]
    # A third of the people came for a while and then no more.
    until = now if dice.random() < 0.65 else at + timedelta(days=days * dice.uniform(0.2, 0.6))
    for _ in range(dice.randrange(0, 9)):
        when = at + (until - at) * dice.random()
        kind = dice.choices(["visit", "payment", "note", "email", "call"], [5, 3, 2, 2, 1])[0]
        data: dict[str, Any] = {}
        if kind == "payment":
            data = {"amount_cents": local_price(dice.choice(vertical.earlier_cents), currency)}
            text = vertical.talk.paid
        else:
            text = dice.choice(vertical.talk.lines(kind))
        events.append((when, kind, text, data, dice.choice(colleagues)))
    return sorted(events, key=lambda event: event[0])


def _columns(
    dice: random.Random,
    person: Person,
    number: int,
    currency: str,
    history: History,
) -> dict[str, Any]:
    payments = [event[3]["amount_cents"] for event in history if event[1] == "payment"]
    added, last = history[0][0], history[-1][0]
    quiet_days = (clock.now() - last).days
    # Lifecycle stages as scope C2 draws the lines.
    stage = "lost" if quiet_days > 180 else "at_risk" if quiet_days >= 90 else "active"
    mailbox = fold(f"{person.first_name}.{person.last_name}").replace(" ", ".").replace("'", "")
    mailbox = mailbox.encode("ascii", "ignore").decode()
    columns = {
        **new_columns(
            {
                "first_name": person.first_name,
                "last_name": person.last_name,
                "email": f"{mailbox[:60]}@example.com" if dice.random() < 0.92 else None,
                "phone": person.phone or None,
                "company": person.company or None,
                "address": {"city": person.city},
                "status": "customer" if payments else "inactive" if stage == "lost" else "lead",
                "source": history[0][3]["source"],
                "tags": list(person.tags),
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
