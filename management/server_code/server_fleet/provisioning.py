"""What has to be known before a business is made: whether its name is free, and what to choose."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_settings.profile_choices import (
    country_choices,
    currency_choices,
    locale_choices,
    time_zone_choices,
)
from master_template.server_shared import clock
from master_template.server_shared.config import read_business
from master_template.server_shared.errors import InvalidError
from master_template.server_shared.validators import Text

from ..server_console.callables import server_callable
from ..server_jobs.job_service import RUNNING, WAITING
from .fleet_fields import INSTANCE_NAME

SUGGESTIONS = 3
# As scripts/operations/instances.py: what the machine itself goes by.
RESERVED = {"www", "api", "app", "admin", "mail", "management", "localhost", "static", "status"}
# Legal forms, articles: part of the business's name, not of what people call it.
SMALL_WORDS = {"the", "pty", "ltd", "limited", "inc", "llc", "gmbh", "cc", "co", "company", "plc"}
LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "þ": "th", "&": " and "}
)


@server_callable(
    needs="fleet.view",
    takes={
        "name": Text("The name", max_chars=100, default=""),
        "title": Text("Name of the business", max_chars=120, default=""),
    },
)
def check_instance_name(name: str = "", title: str = "") -> dict[str, Any]:
    """Whether a business may be called so: ``{"name", "is_free", "problem", "suggestions"}``.

    Without a ``name``, one is made from the ``title``. The machine has the last word: it also
    knows of folders and databases that no business goes with.
    """
    wanted = name or next(iter(_near(make_slug(title))), "")
    problem = _find_problem(wanted)
    suggestions = [] if not problem else _suggest(name or title)
    return {
        "name": wanted,
        "is_free": not problem,
        "problem": problem,
        "suggestions": suggestions,
    }


def _find_problem(name: str) -> str:
    """Why it cannot be, in a sentence; '' where it can."""
    if not name:
        return "A name is needed."
    try:
        INSTANCE_NAME.clean(name)
    except InvalidError as error:
        return error.message
    if name in RESERVED:
        return f"{name} is reserved."
    return f"There is a business {name} already." if name in _taken([name]) else ""


def _taken(names: list[str]) -> set[str]:
    """Those of the names that a business has or is about to get."""
    there = app_tables.fleet_instances.search(name=q.any_of(*names), removed_at=None)
    coming = app_tables.operator_jobs.search(
        action="instance.create", instance=q.any_of(*names), state=q.any_of(WAITING, RUNNING)
    )
    return {row["name"] for row in there} | {row["instance"] for row in coming}


def _suggest(wanted: str) -> list[str]:
    names = list(dict.fromkeys(_near(make_slug(wanted))))
    valid = [name for name in names if _is_valid(name) and name not in RESERVED]
    taken = _taken(valid) if valid else set()
    return [name for name in valid if name not in taken][:SUGGESTIONS]


def _is_valid(name: str) -> bool:
    try:
        INSTANCE_NAME.clean(name)
    except InvalidError:
        return False
    return True


def make_slug(words: str) -> str:
    """``Café Zoë & Sons`` as ``cafe-zoe-and-sons``; '' where no Latin letter or digit is in it."""
    plain = unicodedata.normalize("NFKD", words.casefold().translate(LETTERS))
    kept = "".join(c for c in plain if not unicodedata.combining(c) and c not in "'’")
    return re.sub(r"[^a-z0-9]+", "-", kept).strip("-")


def _near(slug: str) -> Iterator[str]:
    """Names near to this one, the nearest first."""
    slug = re.sub(r"^[0-9-]+", "", slug)
    parts = [part for part in slug.split("-") if part]
    telling = [part for part in parts if part not in SMALL_WORDS] or parts
    if not telling:
        return
    short = ""
    for part in telling:
        if len(short) + len(part) + 1 <= 40:
            short = f"{short}-{part}".strip("-")
    yield from ("-".join(telling)[:40].strip("-"), short, "".join(telling)[:40])
    if len(telling) > 2:
        yield "-".join(telling[:2])
    yield from (f"{short[:37]}-{number}" for number in range(2, 30))


@server_callable(needs="fleet.view")
def get_provision_choices() -> dict[str, Any]:
    """What the wizard offers: ``releases`` (versions, newest first), ``time_zones``,
    ``currencies``, ``locales``, ``countries`` (each as ``profile_choices`` gives them), and
    ``defaults`` of this console."""
    business = read_business()
    newest = app_tables.releases.search(
        tables.order_by("release_order", ascending=False), q.fetch_only("version"), q.page_size(50)
    )
    names = ("time_zone", "currency", "locale", "country")
    return {
        "releases": [row["version"] for row in newest],
        "time_zones": time_zone_choices(clock.now()),
        "currencies": currency_choices(),
        "locales": locale_choices(),
        "countries": country_choices(),
        "defaults": {name: getattr(business, name) for name in names},
    }
