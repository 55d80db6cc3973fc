"""How the business looks: its two colours and its logo."""

from __future__ import annotations

import base64
from typing import Any

import anvil

from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import business_from_row, settings_row
from ..server_shared.errors import AppError, ConflictError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Colour, Int, Record
from .brand_images import BrandImages, LogoFile

COLOURS = Record(
    "The colours",
    {
        "primary_color": Colour("Main colour", required=True),
        "accent_color": Colour("Accent colour", required=True),
    },
    required=True,
)


@server_callable(needs="settings.manage", takes={"logo": LogoFile("The logo", required=True)})
def check_logo(logo: BrandImages) -> dict[str, Any]:
    """``{"data_url"}``: the logo as it would be kept, for a preview. Nothing is saved."""
    return {"data_url": "data:image/png;base64," + base64.b64encode(logo.logo).decode()}


@server_callable(
    needs="settings.manage",
    takes={
        "colours": COLOURS,
        "version": Int("The version", minimum=1, required=True),
        "logo": LogoFile("The logo"),
        "without_logo": Bool("No logo", default=False),
    },
    audit="settings.update",
)
def update_theme(
    colours: dict[str, str],
    version: int,
    logo: BrandImages | None = None,
    without_logo: bool = False,
) -> dict[str, Any]:
    """Change the look that the caller has read as ``version`` of the settings. Without a ``logo``
    the one that is there stays, unless there shall be none."""
    values: dict[str, Any] = dict(colours)
    if logo is not None:
        values |= {
            "logo": anvil.BlobMedia("image/png", logo.logo, name="logo.png"),
            "icon": anvil.BlobMedia("image/png", logo.icon, name="icon.png"),
            "logo_key": logo.key,
        }
    elif without_logo:
        values |= {"logo": None, "icon": None, "logo_key": None}
    return {"settings": _update(values, version)}


@in_transaction
def _update(values: dict[str, Any], version: int) -> dict[str, Any]:
    row = settings_row()
    if row is None:
        raise AppError("This instance has not been set up yet.", code="not_set_up")
    told = [name for name in values if name not in ("logo", "icon")]
    changed = {name: [row[name], values[name]] for name in told if row[name] != values[name]}
    if not changed:
        audit.unchanged()
        return _answer(row)
    if int(row["version"] or 1) != version:
        raise ConflictError(
            "Someone else changed the settings while you were editing. Nothing has been saved "
            "yet; what you chose is still here.",
            code="edited_meanwhile",
        )
    row.update(**values, version=version + 1, updated_at=clock.now())
    logo = changed.pop("logo_key", None)
    if logo is not None:  # not a key to anything, but its name reads like one
        changed["logo"] = logo
    audit.record("update", "settings", "theme", changed)
    return _answer(row)


def _answer(row: Any) -> dict[str, Any]:
    business = business_from_row(row)
    return {**business.to_dict(), "logo_url": business.logo_url}
