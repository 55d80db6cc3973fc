"""What the instance is set to: the one row of ``settings``, typed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from anvil.tables import app_tables

from .errors import AppError

# Every feature that an owner can switch on, in the order the settings page shows them.
FEATURES = (
    "bookings",
    "services",
    "hospitality",
    "ecommerce",
    "memberships",
    "marketing",
    "blog",
    "reviews",
    "referrals",
    "loyalty",
    "conversations",
    "service_areas",
)

DEFAULT_PRIMARY = "#2f6f5e"
DEFAULT_ACCENT = "#c46a3a"


@dataclass(frozen=True)
class Business:
    """The settings that the rest of the product reads."""

    business_name: str
    tagline: str = ""
    description: str = ""
    email: str = ""
    phone: str = ""
    address: dict[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    currency: str = "USD"
    locale: str = "en-US"
    country: str = "US"
    primary_color: str = DEFAULT_PRIMARY
    accent_color: str = DEFAULT_ACCENT
    features_enabled: dict[str, bool] = field(default_factory=dict)
    social_facebook: str = ""
    social_instagram: str = ""
    social_twitter: str = ""
    social_linkedin: str = ""
    logo_key: str = ""
    version: int = 1

    @property
    def logo_url(self) -> str:
        """The path of the logo (PNG), '' where there is none."""
        return f"/logo/{self.logo_key}.png" if self.logo_key else ""

    @property
    def icon_url(self) -> str:
        """The path of the logo as a small square, '' where there is none."""
        return f"/logo/{self.logo_key}-icon.png" if self.logo_key else ""

    def has_feature(self, name: str) -> bool:
        """Whether a feature is switched on."""
        return self.features_enabled.get(name, False)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, for a caller."""
        return asdict(self)


def settings_row() -> Any:
    """The one row of settings, or None where nobody has set the instance up yet."""
    return app_tables.settings.get(is_singleton=True)


def read_business() -> Business:
    """The settings. Raises :class:`AppError` with code ``not_set_up`` where there are none."""
    row = settings_row()
    if row is None:
        raise AppError(
            "This instance has not been set up yet. Its operator does that with one command.",
            code="not_set_up",
        )
    return business_from_row(row)


def business_from_row(row: Any) -> Business:
    """A row of settings with every gap filled by its default."""
    values = {name: row[name] for name in Business.__dataclass_fields__ if row[name] is not None}
    enabled = values.get("features_enabled") or {}
    values["features_enabled"] = {name: enabled.get(name) is True for name in FEATURES}
    values["version"] = int(values.get("version") or 1)
    values.setdefault("business_name", "")
    return Business(**values)


def default_country() -> str:
    """The country whose telephone numbers may come without a prefix."""
    return read_business().country
