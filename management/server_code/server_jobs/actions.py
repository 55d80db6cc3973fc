"""What the operator agent can be asked to do: a fixed list, each with rules for its arguments.

The agent has a list of its own (``scripts/operations/agent/actions.py``) and goes by that alone: a
console that somebody has broken into can ask for nothing beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from master_template.server_shared.errors import InvalidError
from master_template.server_shared.validators import (
    Bool,
    Choice,
    Country,
    Email,
    Items,
    Locale,
    Record,
    Rule,
    Text,
    TimeZone,
    currency,
)

from ..server_fleet.fleet_fields import INSTANCE_NAME, Version

# As scripts/operations/setup.py has them.
VERTICALS = ("yoga-studio", "guesthouse", "consultant", "shop", "cleaning-service")


@dataclass(frozen=True)
class Action:
    """One thing to do. ``title`` is how a list calls it; ``is_offered`` whether people ask for it
    from the page of a business."""

    title: str
    takes: Mapping[str, Rule] = field(default_factory=dict)
    is_offered: bool = False

    def clean(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, checked; those without a value are left out."""
        cleaned = Record("The arguments", self.takes).clean(dict(arguments)) or {}
        return {name: value for name, value in cleaned.items() if value not in (None, "", [])}


_NAME = {"name": INSTANCE_NAME}

ACTIONS: dict[str, Action] = {
    "instance.create": Action(
        "Make a business",
        {
            **_NAME,
            "title": Text("Name of the business", max_chars=120, required=True),
            "owner": Email("Owner's e-mail", required=True),
            "owner_name": Text("Owner's name", max_chars=200, required=True),
            "release": Version("Release"),
            "vertical": Choice("Kind of business", VERTICALS),
            "sample_data": Choice("Sample data", VERTICALS),
            "time_zone": TimeZone("Time zone", required=True),
            "currency": currency("Currency", required=True),
            "locale": Locale("Language and region", required=True),
            "country": Country("Country", required=True),
        },
    ),
    "instance.start": Action("Start", _NAME, is_offered=True),
    "instance.stop": Action(
        "Stop", {**_NAME, "reason": Text("Reason", max_chars=200)}, is_offered=True
    ),
    "instance.upgrade": Action(
        "Upgrade",
        {**_NAME, "to": Version("Release", required=True), "again": Bool("Again", default=False)},
        is_offered=True,
    ),
    "instance.rollback": Action(
        "Roll back",
        {**_NAME, "data": Choice("Data", ("keep", "restore"), required=True)},
        is_offered=True,
    ),
    "instance.backup": Action("Back up", _NAME, is_offered=True),
    "instance.drill": Action("Prove the backup", _NAME, is_offered=True),
    "instance.owner_link": Action("New link for the owner", _NAME, is_offered=True),
    "fleet.notify": Action(
        "Tell of a release",
        {
            "release": Version("Release", required=True),
            "names": Items("Businesses", INSTANCE_NAME, max_items=1_000, default=[]),
        },
    ),
    "fleet.doctor": Action("Look at everything"),
    "alert.acknowledge": Action(
        "Acknowledge an alert",
        {
            "id": Text("The alert", max_chars=200, required=True),
            "note": Text("Note", max_chars=500),
        },
    ),
}


def find_action(name: str) -> Action:
    """The action of this name. Raises :class:`InvalidError`."""
    action = ACTIONS.get(name)
    if action is None:
        raise InvalidError(f"There is no action {name!r}; there are {', '.join(ACTIONS)}.")
    return action
