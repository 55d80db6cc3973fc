"""What a contact consists of: its words, its rules, and how a row becomes a dict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import phonenumbers

from ..server_shared.config import default_country
from ..server_shared.errors import InvalidError
from ..server_shared.money import to_major
from ..server_shared.validators import (
    Bool,
    Choice,
    Day,
    Email,
    Items,
    Phone,
    Record,
    Rule,
    Text,
    fold,
    shown,
)

STATUSES = ("lead", "customer", "inactive")
LIFECYCLE_STAGES = ("new", "active", "at_risk", "lost")
SOURCES = (
    "manual",
    "website",
    "referral",
    "booking",
    "order",
    "import",
    "lead_capture",
    "walk_in",
    "social",
    "other",
)
# How a timeline says where someone came from.
SOURCE_TEXTS = {
    "manual": "Added by hand",
    "website": "Came by the website",
    "referral": "Came by a referral",
    "booking": "Came with a booking",
    "order": "Came with an order",
    "import": "Came with an import",
    "lead_capture": "Left an address on the website",
    "walk_in": "Walked in",
    "social": "Came by social media",
    "other": "Added",
}
CHANNELS = ("email", "phone", "sms", "whatsapp", "none")
MAX_TAGS = 30

# What the editor shows and a caller may change. All else on a contact is kept by the product.
EDITABLE = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "company",
    "birthday",
    "address",
    "status",
    "source",
    "tags",
    "internal_notes",
    "preferences",
)

# What one starts with of whom nothing else is known.
BLANK: dict[str, Any] = {
    "first_name": "",
    "last_name": "",
    "email": None,
    "phone": None,
    "company": None,
    "birthday": None,
    "address": {},
    "status": "lead",
    "source": "other",
    "tags": [],
    "internal_notes": None,
    "preferences": {"marketing_opt_in": False, "channel": "email", "language": ""},
}
# What one becomes of whom only the numbers are kept; the names say why.
NOBODY: dict[str, Any] = {
    **{name: BLANK[name] for name in BLANK if name != "source"},
    "status": "inactive",
    "preferences": {},
    "account": None,
}

# What a search looks at.
SEARCHED_COLUMNS = ("first_name", "last_name", "email", "phone", "company", "contact_id")


class ContactId(Rule):
    """The id that people see, ``C-12``; ``c-12`` and a bare ``12`` are taken for the same."""

    def __init__(self, label: str, *, required: bool = True) -> None:
        super().__init__(label, required=required)

    def clean(self, value: Any) -> Any:
        if value in (None, "") and not self.required:
            return None
        text = str(value).strip().upper() if isinstance(value, str | int) else ""
        match = re.fullmatch(r"(?:C-)?([1-9][0-9]{0,14})", text)
        if match is None or isinstance(value, bool):
            raise InvalidError(f"{self.label} must be like C-12, not {shown(value)}.")
        return f"C-{match.group(1)}"


CONTACT_ID = ContactId("The contact's number")
TAG = Text("A tag", max_chars=40)


def contact_rules(country: str | Callable[[], str] = default_country) -> dict[str, Rule]:
    """A rule for each field of EDITABLE; ``country`` is where a telephone number without + is."""
    return {
        "first_name": Text("First name", max_chars=100, required=True),
        "last_name": Text("Last name", max_chars=100, required=True),
        "email": Email("E-mail"),
        "phone": Phone("Phone", country=country),
        "company": Text("Company", max_chars=200),
        "birthday": Day("Birthday", is_past=True),
        "address": Record(
            "Address",
            {
                "line1": Text("Street and number", max_chars=200, default=""),
                "line2": Text("Second line", max_chars=200, default=""),
                "city": Text("City", max_chars=100, default=""),
                "region": Text("Province or state", max_chars=100, default=""),
                "postal_code": Text("Postal code", max_chars=20, default=""),
                "country": Text("Country", max_chars=80, default=""),
            },
            default={},
        ),
        "status": Choice("Status", STATUSES, default="lead"),
        "source": Choice("Source", SOURCES, default="manual"),
        "tags": Items("Tags", TAG, max_items=MAX_TAGS, default=[]),
        "internal_notes": Text("Internal notes", max_chars=10_000, multiline=True),
        "preferences": Record(
            "Preferences",
            {
                "marketing_opt_in": Bool("Marketing by e-mail", default=False),
                "channel": Choice("Preferred channel", CHANNELS, default="email"),
                "language": Text("Language", max_chars=20, default=""),
            },
            default={},
        ),
    }


def display_name(values: Mapping[str, Any]) -> str:
    """``First Last``, or the e-mail address of someone without a name."""
    name = " ".join(part for part in (values["first_name"], values["last_name"]) if part)
    return name or values["email"] or ""


def searched_columns(row: Any) -> dict[str, Any]:
    """The columns of a row that :func:`derived_columns` goes by."""
    return {name: row[name] for name in SEARCHED_COLUMNS}


def derived_columns(values: Mapping[str, Any]) -> dict[str, str]:
    """``sort_name`` and ``search_text`` of a contact with these columns.

    The search text holds a telephone number also as bare digits, with and without the country's
    prefix, so that it is found however it is typed.
    """
    parts = [str(values[name]) for name in SEARCHED_COLUMNS if values.get(name)]
    phone = values.get("phone")
    if phone:
        parts += _phone_digits(phone)
    return {
        "sort_name": fold(f"{values.get('last_name') or ''} {values.get('first_name') or ''}"),
        "search_text": fold(" ".join(parts)),
    }


def _phone_digits(phone: str) -> list[str]:
    digits = re.sub(r"\D", "", phone)
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return [digits]
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return [digits, re.sub(r"\D", "", national)]


def list_item(row: Any) -> dict[str, Any]:
    """What a list shows of a contact; LIST_COLUMNS says which columns that takes."""
    return {
        "contact_id": row["contact_id"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "full_name": display_name(row),
        "email": row["email"],
        "phone": row["phone"],
        "company": row["company"],
        "status": row["status"],
        "source": row["source"],
        "lifecycle_stage": row["lifecycle_stage"],
        "tags": list(row["tags"] or []),
        "total_spent_cents": int(row["total_spent_cents"] or 0),
        "total_transactions": int(row["total_transactions"] or 0),
        "currency": row["currency"],
        "date_added": row["date_added"],
        "last_contact_date": row["last_contact_date"],
        "deleted_at": row["deleted_at"],
    }


LIST_COLUMNS = (
    "contact_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "company",
    "status",
    "source",
    "lifecycle_stage",
    "tags",
    "total_spent_cents",
    "total_transactions",
    "currency",
    "date_added",
    "last_contact_date",
    "deleted_at",
    "number",
    "sort_name",
)


def full_contact(row: Any) -> dict[str, Any]:
    """Everything of a contact that someone with ``customers.view`` may see."""
    return {
        **list_item(row),
        "birthday": row["birthday"],
        "address": {**row["address"]} if row["address"] else {},
        "internal_notes": row["internal_notes"],
        "preferences": {**row["preferences"]} if row["preferences"] else {},
        "average_order_value_cents": int(row["average_order_value_cents"] or 0),
        "next_booking_at": row["next_booking_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "erased_at": row["erased_at"],
        # Who this contact is now, C-2, where it has been merged.
        "merged_into": row["merged_into"]["contact_id"] if row["merged_into"] else None,
        "version": int(row["version"] or 1),
    }


def in_main_unit(contact: Mapping[str, Any]) -> dict[str, float]:
    """The amounts of a contact's dict in the main unit of its currency, to be read and not to be
    reckoned with."""
    currency = contact["currency"]
    names = {"total_spent_cents": "total_spent", "average_order_value_cents": "average_order_value"}
    return {
        names[column]: float(to_major(contact[column], currency))
        for column in names
        if column in contact
    }
