"""What a lead form consists of: its words, its rules, and how a row becomes a dict."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..server_customers.contact_fields import TAG
from ..server_shared.config import default_country
from ..server_shared.errors import InvalidError
from ..server_shared.validators import (
    Bool,
    Choice,
    Email,
    Int,
    Items,
    Phone,
    Record,
    Rule,
    Text,
    shown,
)

KINDS = ("popup", "inline", "bar")
STATUSES = ("draft", "active", "paused")
TRIGGERS = ("immediately", "delay", "scroll", "exit", "click")
DEMANDS = ("off", "optional", "required")
MAX_ORIGINS = 20

# Fields besides the e-mail address, which every form asks for: label, type of the input, and what
# a browser may fill in by itself (HTML standard, autofill).
OPTIONAL_FIELDS: dict[str, tuple[str, str, str]] = {
    "first_name": ("First name", "text", "given-name"),
    "last_name": ("Last name", "text", "family-name"),
    "phone": ("Phone", "tel", "tel"),
    "company": ("Company", "text", "organization"),
    "message": ("Message", "textarea", "off"),
}


class Origin(Rule):
    """A website as a browser names it: ``https://www.example.com``, without a path."""

    def check(self, value: Any) -> str:
        expected = "a website like https://www.example.com"
        if not isinstance(value, str) or len(value) > 300:
            raise self.refuse(expected, value)
        text = value.strip().lower()
        try:
            parts = urlsplit(text if "//" in text else f"https://{text}")
            host, port = parts.hostname or "", parts.port
            host = host.encode("idna").decode() if not host.isascii() else host
        except (ValueError, UnicodeError):
            raise self.refuse(expected, value) from None
        is_name = re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host)
        if parts.scheme not in ("http", "https") or not is_name or parts.username:
            raise self.refuse(expected, value)
        is_usual = port in (None, 443 if parts.scheme == "https" else 80)
        return f"{parts.scheme}://{host}" + ("" if is_usual else f":{port}")


class FormId(Rule):
    """The id of a form, as it stands in a website's script tag."""

    def clean(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"f[a-z0-9]{11}", value):
            raise InvalidError(f"There is no form {shown(value)}.")
        return value


def new_id(letter: str) -> str:
    """An id that nobody guesses: a letter and eleven letters or digits."""
    return letter + "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(11))


FORM_ID = FormId("The form")

LEAD_FORM = Record(
    "The form",
    {
        "name": Text("Name", max_chars=80, required=True),
        "kind": Choice("Kind", KINDS, default="popup"),
        "fields": Record(
            "Fields",
            {
                **{
                    name: Choice(label, DEMANDS, default="off")
                    for name, (label, *_) in OPTIONAL_FIELDS.items()
                },
                # A form that only asks for a message need not ask for marketing too.
                "consent": Choice("Consent", ("optional", "required"), default="required"),
            },
            default={**dict.fromkeys(OPTIONAL_FIELDS, "off"), "consent": "required"},
        ),
        "texts": Record(
            "Texts",
            {
                "heading": Text("Heading", max_chars=120, required=True),
                "text": Text("Text", max_chars=600, multiline=True, default=""),
                "button": Text("Button", max_chars=40, required=True),
                "success": Text("Thanks", max_chars=300, required=True),
                "consent": Text("Consent", max_chars=600, required=True),
            },
            required=True,
        ),
        "trigger": Record(
            "When it shows",
            {
                "kind": Choice("When it shows", TRIGGERS, default="delay"),
                "delay_seconds": Int("Seconds", minimum=0, maximum=600, default=5),
                "scroll_percent": Int("Part of the page", minimum=1, maximum=100, default=50),
                "frequency_days": Int(
                    "Days until it shows again", minimum=0, maximum=365, default=14
                ),
                "position": Choice("Where", ("bottom", "top"), default="bottom"),
            },
            default={
                "kind": "delay",
                "delay_seconds": 5,
                "scroll_percent": 50,
                "frequency_days": 14,
                "position": "bottom",
            },
        ),
        "origins": Items("Websites", Origin("A website"), max_items=MAX_ORIGINS, default=[]),
        "is_double_opt_in": Bool("Confirm by e-mail", default=True),
        "tags": Items("Tags", TAG, max_items=10, default=[]),
        # What these may be stands in lead_follow_up.py.
        "segment_id": Text("Segment", max_chars=40),
        "campaign_id": Text("Campaign", max_chars=40),
    },
    required=True,
)


def submission_rules(fields: Mapping[str, str]) -> Record:
    """What a visitor may send to a form that asks for these fields."""
    texts: dict[str, Rule] = {
        "first_name": Text("First name", max_chars=100),
        "last_name": Text("Last name", max_chars=100),
        "phone": Phone("Phone", country=default_country),
        "company": Text("Company", max_chars=200),
        "message": Text("Message", max_chars=2_000, multiline=True),
    }
    asked: dict[str, Rule] = {"email": Email("E-mail", required=True)}
    for name, rule in texts.items():
        if fields.get(name, "off") != "off":
            rule.required = fields[name] == "required"
            asked[name] = rule
    return Record("The form", asked, required=True)


def form_dict(row: Any) -> dict[str, Any]:
    """A form as people who work here see it."""
    return {
        "form_id": row["form_id"],
        "name": row["name"],
        "kind": row["kind"],
        "status": row["status"],
        "fields": dict(row["fields"] or {}),
        "texts": dict(row["texts"] or {}),
        "trigger": dict(row["trigger"] or {}),
        "origins": list(row["origins"] or []),
        "is_double_opt_in": bool(row["is_double_opt_in"]),
        "tags": list(row["tags"] or []),
        "segment_id": row["segment_id"],
        "campaign_id": row["campaign_id"],
        "consent_number": int(row["consent_number"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "version": int(row["version"]),
    }


def asked_fields(row: Any) -> list[dict[str, Any]]:
    """The inputs of a form in their order, the e-mail address after the names."""
    demands = dict(row["fields"] or {})
    email = {
        "name": "email",
        "label": "E-mail",
        "type": "email",
        "autocomplete": "email",
        "required": True,
    }
    asked = []
    for name, (label, kind, autocomplete) in OPTIONAL_FIELDS.items():
        if name == "phone":
            asked.append(email)
        if demands.get(name, "off") != "off":
            asked.append(
                {
                    "name": name,
                    "label": label,
                    "type": kind,
                    "autocomplete": autocomplete,
                    "required": demands[name] == "required",
                }
            )
    return asked
