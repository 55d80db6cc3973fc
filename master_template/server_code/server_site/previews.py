"""Public pages as they would be, for whoever is changing them in the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..server_settings.legal_texts import KIND, PATHS, SOURCE, LegalText, check_text
from ..server_settings.theme_service import COLOURS
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.validators import Bool, Choice
from .colours import contrast, hue, palette
from .public_pages import render_home, render_legal

SCHEME = Choice("Light or dark", ("light", "dark"), required=True)
# Where a preview shall show a logo that is only in the browser yet; the browser puts it there.
LOGO_PLACE = "about:blank#logo"
LIGHT_GROUND, DARK_GROUND = "#fbfaf7", "#141816"
READABLE = 4.5  # WCAG 2.2, 1.4.3
VISIBLE = 3  # WCAG 2.2, 1.4.11
ALIKE = 1.3


@server_callable(needs="settings.view", takes={"kind": KIND, "source": SOURCE, "scheme": SCHEME})
def preview_legal_text(kind: str, source: str, scheme: str) -> dict[str, Any]:
    """``{"html"}``: the whole public page with this text, without publishing it."""
    business = read_business()
    check_text(source, business)
    return {"html": render_legal(business, LegalText(kind, 0, source), PATHS[kind], scheme=scheme)}


@server_callable(
    needs="settings.view",
    takes={
        "colours": COLOURS,
        "scheme": SCHEME,
        "has_new_logo": Bool("A new logo", default=False),
        "without_logo": Bool("No logo", default=False),
    },
)
def preview_theme(
    colours: dict[str, str], scheme: str, has_new_logo: bool = False, without_logo: bool = False
) -> dict[str, Any]:
    """``{"html", "logo_place", "contrast", "notes"}``: the home page in these colours, and what a
    person should know of how well they can be read. A new logo is at the address
    ``logo_place``."""
    business = replace(
        read_business(),
        primary_color=colours["primary_color"],
        accent_color=colours["accent_color"],
    )
    logo = LOGO_PLACE if has_new_logo else "" if without_logo else business.logo_url
    return {
        "html": render_home(business, scheme=scheme, logo=logo),
        "logo_place": LOGO_PLACE,
        "contrast": contrast_of(colours["primary_color"], colours["accent_color"]),
        "notes": contrast_notes(colours["primary_color"], colours["accent_color"]),
    }


def contrast_of(primary: str, accent: str) -> dict[str, float]:
    """How well the main colour's uses can be read, as contrast ratios: the text of ``buttons``,
    and ``light_links`` and ``dark_links`` on their pages."""
    made = palette(primary, accent)
    return {
        "buttons": contrast(made["primary"], made["on_primary"]),
        "light_links": contrast(made["link"], LIGHT_GROUND),
        "dark_links": contrast(made["primary_dark"], DARK_GROUND),
    }


def contrast_notes(primary: str, accent: str) -> list[str]:
    """What happens to colours that cannot be read as they are; empty where all is well."""
    notes = []
    ratio = contrast(primary, LIGHT_GROUND)
    if ratio < READABLE:
        shade = palette(primary, accent)["link"]
        notes.append(
            f"The main colour is too light to read on a light page: its contrast is {ratio:.1f} "
            f"to 1, and {READABLE} is needed. Links use the darker {shade} there."
        )
    if contrast(accent, LIGHT_GROUND) < VISIBLE:
        notes.append("The accent colour is too light for a light page and is darkened there.")
    if contrast(primary, accent) < ALIKE and _hue_distance(primary, accent) < 1 / 12:
        notes.append("The two colours are hardly different.")
    return notes


def _hue_distance(one: str, other: str) -> float:
    """From 0 to 0.5: how far apart two colours are on the colour wheel."""
    apart = abs(hue(one) - hue(other))
    return min(apart, 1 - apart)
