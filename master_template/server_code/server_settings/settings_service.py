"""Settings: the business profile, and which features are switched on."""

from __future__ import annotations

from typing import Any

from ..server_auth.rbac import current_actor
from ..server_customers.portal_parts import parts_of
from ..server_customers.prebuilt_segments import make_prebuilt
from ..server_platform.releases_service import notice_for
from ..server_shared import audit, clock
from ..server_shared.callables import PUBLIC, server_callable
from ..server_shared.config import FEATURES, business_from_row, read_business, settings_row
from ..server_shared.errors import AppError, ConflictError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import (
    Bool,
    Colour,
    Country,
    Email,
    Int,
    Locale,
    Phone,
    Record,
    Rule,
    Text,
    TimeZone,
    WebAddress,
    currency,
)
from ..server_site.admission import is_closed_to_public
from .profile_choices import country_name


def profile_rules() -> dict[str, Rule]:
    """A rule for each field of the business profile."""
    return {
        "business_name": Text("Business name", max_chars=120, required=True),
        "tagline": Text("Tagline", max_chars=160, default=""),
        "description": Text("Description", max_chars=2_000, multiline=True, default=""),
        "email": Email("E-mail", default=""),
        "phone": Phone("Phone", country=lambda: read_business().country, default=""),
        "address": Record(
            "Address",
            {
                "line1": Text("Street and number", max_chars=200, default=""),
                "line2": Text("Second line", max_chars=200, default=""),
                "city": Text("City", max_chars=100, default=""),
                "region": Text("Province or state", max_chars=100, default=""),
                "postal_code": Text("Postal code", max_chars=20, default=""),
            },
            default={},
        ),
        "time_zone": TimeZone("Time zone", required=True),
        "currency": currency("Currency", required=True),
        "locale": Locale("Language and region", required=True),
        "country": Country("Country", required=True),
        "primary_color": Colour("Main colour", required=True),
        "accent_color": Colour("Accent colour", required=True),
        "social_facebook": WebAddress("Facebook", default=""),
        "social_instagram": WebAddress("Instagram", default=""),
        "social_twitter": WebAddress("X (Twitter)", default=""),
        "social_linkedin": WebAddress("LinkedIn", default=""),
    }


FEATURE_SWITCHES = Record(
    "The features", {name: Bool(name) for name in FEATURES}, partial=True, required=True
)


@server_callable(needs=PUBLIC)
def get_config() -> dict[str, Any]:
    """What the app needs to draw itself, in one call.

    ``business`` (name, colours, logo, locale, currency, time zone), ``features`` as
    ``{name: bool}``, ``user``: None, or ``{email, name, role, permissions, is_staff,
    portal_parts, owes_factor}`` (the parts of the customer portal that show; whether a second
    factor has to be set up first), ``may_choose_password``: whether the link of a reset message has
    been opened, and ``is_closed``: whether people come by invitation only.
    """
    business = read_business()
    actor = current_actor()
    user = None
    if actor.kind == "user":
        user = {
            "email": actor.email,
            "name": actor.name,
            "role": actor.role,
            "permissions": sorted(actor.permissions),
            "is_staff": actor.is_staff,
            "portal_parts": parts_of(actor, business),
            "owes_factor": actor.owes_factor,
        }
    shown = ("business_name", "tagline", "time_zone", "currency", "locale", "primary_color")
    return {
        "business": {
            **{name: getattr(business, name) for name in shown},
            "logo_url": business.logo_url,
            "icon_url": business.icon_url,
        },
        "features": business.features_enabled,
        "user": user,
        "may_choose_password": actor.may_choose_password,
        "update": notice_for(actor),
        "is_closed": is_closed_to_public(),
    }


@server_callable(needs="settings.view")
def get_settings() -> dict[str, Any]:
    """``{"settings": {...}}``: the whole business profile, the features and the version."""
    business = read_business()
    return {"settings": {**business.to_dict(), "logo_url": business.logo_url}}


@server_callable(
    needs="settings.manage",
    takes={
        "profile": Record("The profile", profile_rules(), partial=True, required=True),
        "version": Int("The version", minimum=1, required=True),
    },
    audit="settings.update",
)
def update_business_profile(profile: dict[str, Any], version: int) -> dict[str, Any]:
    """Change the business profile that the caller has read as ``version``."""
    return {"settings": _update(profile, version)}


@server_callable(
    needs="settings.manage", takes={"features": FEATURE_SWITCHES}, audit="settings.update"
)
def update_features(features: dict[str, bool]) -> dict[str, Any]:
    """Switch features on and off; those not named stay as they are."""
    return {"settings": _update_features(features)}


@in_transaction
def _update(profile: dict[str, Any], version: int) -> dict[str, Any]:
    row = settings_row()
    if row is None:
        raise AppError("This instance has not been set up yet.", code="not_set_up")
    if int(row["version"]) != version:
        raise ConflictError(
            "Someone else changed the settings while you were editing. Nothing has been saved "
            "yet; what you typed is still here.",
            code="edited_meanwhile",
        )
    if "address" in profile or "country" in profile:
        country = profile.get("country") or row["country"]
        address = profile.get("address", row["address"]) or {}
        name = country_name(country) if country else ""
        profile = {**profile, "address": {**address, "country": name}}
    changed = {name: value for name, value in profile.items() if row[name] != value}
    if changed:
        before = {name: row[name] for name in changed}
        row.update(**changed, version=version + 1, updated_at=clock.now())
        audit.record(
            "update", "settings", "", {name: [before[name], changed[name]] for name in changed}
        )
    else:
        audit.unchanged()
    return business_from_row(row).to_dict()


@in_transaction
def _update_features(features: dict[str, bool]) -> dict[str, Any]:
    row = settings_row()
    if row is None:
        raise AppError("This instance has not been set up yet.", code="not_set_up")
    before = business_from_row(row).features_enabled
    after = {**before, **features}
    if after != before:
        row.update(features_enabled=after, version=int(row["version"]) + 1, updated_at=clock.now())
        changed = {name: [before[name], after[name]] for name in FEATURES}
        changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
        audit.record("update", "settings", "features", changed)
        make_prebuilt(business_from_row(row))
    else:
        audit.unchanged()
    return business_from_row(row).to_dict()
