"""Set an instance up: settings, counters, the owner, and further people.

Every function may be called again: what is there already stays as it is.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from anvil.tables import app_tables

from ..server_auth.passwords import make_hash
from ..server_auth.rbac import ADMIN, CUSTOMER, MANAGER, OWNER, STAFF
from ..server_auth.seats import sit_down
from ..server_customers.prebuilt_segments import make_prebuilt
from ..server_marketing.ready_made_campaigns import make_ready_made
from ..server_settings.policies import Policies
from ..server_settings.settings_service import FEATURE_SWITCHES, profile_rules
from ..server_shared import audit, clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.config import DEFAULT_ACCENT, DEFAULT_PRIMARY, FEATURES, settings_row
from ..server_shared.sequences import make_sequences
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Colour, Email, Password, Phone, Record, Rule, Text
from .verticals import VERTICALS
from .verticals.shape import Vertical


def _business_rules() -> dict[str, Rule]:
    """The business profile, with colours to begin with, and a number that must say its country."""
    return {
        **profile_rules(),
        "phone": Phone("Phone", country="ZZ", default=""),
        "primary_color": Colour("Main colour", default=DEFAULT_PRIMARY),
        "accent_color": Colour("Accent colour", default=DEFAULT_ACCENT),
    }


class FirstPassword(Password):
    """A password as for anybody, or None: nobody can log in before a link has set one."""

    def clean(self, value: Any) -> Any:
        return None if value is None else super().clean(value)


PERSON: dict[str, Rule] = {
    "email": Email("E-mail", required=True),
    "password": FirstPassword("Password"),
    "first_name": Text("First name", max_chars=100, required=True),
    "last_name": Text("Last name", max_chars=100, required=True),
}


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "business": Record("The business", _business_rules(), required=True),
        "owner": Record("The owner", PERSON, required=True),
        "features": FEATURE_SWITCHES,
        "vertical": Choice("Kind of business", tuple(VERTICALS)),
    },
    audit=("settings.set_up", "user.create"),
)
def set_up_instance(
    business: dict[str, Any],
    owner: dict[str, Any],
    features: dict[str, bool],
    vertical: str | None = None,
) -> dict[str, Any]:
    """Make the settings, the counters and the owner's account where they are missing. An owner
    without a password gets in by a link of ``create_owner_link``. A ``vertical`` brings the
    features, colours and policies that such a business begins with.

    Gives ``{"created": {"settings": bool, "owner": bool}}``.
    """
    return {"created": _set_up(business, owner, features, VERTICALS.get(vertical or ""))}


@in_transaction
def _set_up(
    business: dict[str, Any],
    owner: dict[str, Any],
    features: dict[str, bool],
    vertical: Vertical | None,
) -> dict[str, bool]:
    make_sequences()
    new_settings = settings_row() is None
    if new_settings:
        if vertical is not None:
            features = dict.fromkeys(vertical.features, True) | features
            business = {**business, **_colours_of(vertical)}
        app_tables.settings.add_row(
            **business,
            policies=asdict(Policies(**vertical.policies)) if vertical else None,
            features_enabled={name: features.get(name, False) for name in FEATURES},
            is_singleton=True,
            version=1,
            updated_at=clock.now(),
        )
        audit.record("set_up", "settings", "", details=business)
    new_owner = app_tables.users.get(role=OWNER) is None
    if new_owner:
        make_user(role=OWNER, **owner)
    make_prebuilt()
    if new_settings:
        make_ready_made()  # later on, what an owner deleted stays deleted
    if not new_settings and not new_owner:
        audit.unchanged()
    return {"settings": new_settings, "owner": new_owner}


def _colours_of(vertical: Vertical) -> dict[str, str]:
    return {"primary_color": vertical.primary_color, "accent_color": vertical.accent_color}


@server_callable(
    needs=TRUSTED_ONLY,
    takes={**PERSON, "role": Choice("Role", (MANAGER, ADMIN, STAFF, CUSTOMER), required=True)},
    audit="user.create",
)
def add_staff_user(
    email: str, password: str | None, first_name: str, last_name: str, role: str
) -> dict[str, Any]:
    """Make the account of a person, confirmed and ready to log in; ``{"created": bool}``.

    Raises :class:`ConflictError` (``role_full``) where the role has as many as it may have.
    """
    return {"created": _add_user(email, password, first_name, last_name, role)}


@in_transaction
def _add_user(email: str, password: str | None, first_name: str, last_name: str, role: str) -> bool:
    if app_tables.users.get(email=email) is not None:
        audit.unchanged()
        return False
    make_user(email=email, password=password, first_name=first_name, last_name=last_name, role=role)
    return True


def make_user(
    *, email: str, password: str | None, first_name: str, last_name: str, role: str
) -> Any:
    """Write an account that can log in at once, if it has a password; give its row. Call it inside
    a transaction."""
    row = app_tables.users.add_row(
        email=email,
        enabled=True,
        confirmed_email=True,
        signed_up=clock.now(),
        password_hash=None if password is None else make_hash(password),
        **sit_down(None, role),
        permissions={},
        status="active",
        first_name=first_name,
        last_name=last_name,
    )
    audit.record("create", "user", email, {"role": [None, role]})
    return row
