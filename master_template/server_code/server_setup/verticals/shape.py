"""What the sample data of one kind of business consists of. Prices are in cents of South African
rand; ``prices.py`` makes them what they would be in the business's own currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

WEEK = (0, 1, 2, 3, 4)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Person:
    """A customer. Telephone numbers are from ranges that regulators keep for fiction."""

    first_name: str
    last_name: str
    company: str
    city: str
    phone: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Colleague:
    """Someone who can log in: ``mailbox`` is the part of the address before the @."""

    mailbox: str
    first_name: str
    last_name: str
    role: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True)
class Offer:
    """Something that happens at a time of the day: on which weekdays (Monday is 0), when, for how
    long, and for how many bookings (least, most). With a ``resource`` there is one booking at
    most: a room, a van, a person, which nobody else can have at that time."""

    name: str
    weekdays: tuple[int, ...]
    starts: time
    minutes: int
    price_cents: int
    people: tuple[int, int]
    resource: str | None = None


@dataclass(frozen=True)
class Room:
    """Somewhere to stay, by the night."""

    name: str
    resource: str
    price_cents: int
    guests: int


@dataclass(frozen=True)
class Product:
    """Something on the shelf: pieces there, and pieces at which it is time to order."""

    name: str
    slug: str
    price_cents: int
    count: int
    threshold: int
    description: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """``{name}`` in the title is a customer's first name; due so many days from today."""

    title: str
    task_type: str
    due_in_days: int
    is_done: bool = False


@dataclass(frozen=True)
class Talk:
    """What colleagues write into a customer's timeline, by kind of event."""

    visits: tuple[str, ...]
    notes: tuple[str, ...]
    calls: tuple[str, ...]
    emails: tuple[str, ...]
    paid: str = "Paid at the front desk"

    def lines(self, kind: str) -> tuple[str, ...]:
        return {
            "visit": self.visits,
            "note": self.notes,
            "call": self.calls,
            "email": self.emails,
        }[kind]


@dataclass(frozen=True)
class Vertical:
    """A kind of business: how it is set up, and a believable one of it.

    ``profile`` has fields of the business profile, ``features`` the names of what is switched on,
    ``policies`` fields of ``server_settings.policies.Policies`` that differ from the usual.
    ``earlier_cents`` are amounts that people paid before the bookings that are shown, and
    ``earlier_kind`` what for (the ``kind`` of a payment).
    """

    name: str
    profile: Mapping[str, Any]
    primary_color: str
    accent_color: str
    features: frozenset[str]
    policies: Mapping[str, Any]
    people: tuple[Person, ...]
    colleagues: tuple[Colleague, ...]
    talk: Talk
    products: tuple[Product, ...]
    tasks: tuple[Task, ...]
    earlier_cents: tuple[int, ...]
    opt_in: str
    offers: tuple[Offer, ...] = ()
    rooms: tuple[Room, ...] = ()
    earlier_kind: str = "other"
    booked_by: str = "Website"
    sources: tuple[str, ...] = field(default=("website", "referral", "walk_in", "social", "manual"))
