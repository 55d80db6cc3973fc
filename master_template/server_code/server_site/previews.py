"""Public pages as they would be, for whoever is changing them in the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..server_settings.legal_texts import KIND, PATHS, SOURCE, LegalText, check_text
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.validators import Bool, Choice, Colour, Record
from .colours import contrast, readable_on
from .public_pages import render_home, render_legal

SCHEME = Choice("Light or dark", ("light", "dark"), required=True)
# Where a preview shall show a logo that is only in the browser yet; the browser puts it there.
LOGO_PLACE = "about:blank#logo"
LIGHT_GROUND, DARK_GROUND = "#fbfaf7", "#141816"
READABLE = 4.5  # WCAG 2.2, 1.4.3


@server_callable(needs="settings.view", takes={"kind": KIND, "source": SOURCE, "scheme": SCHEME})
def preview_legal_text(kind: str, source: str, scheme: str) -> dict[str, Any]:
    """``{"html"}``: the whole public page with this text, without publishing it."""
    business = read_business()
    check_text(source, business)
    return {"html": render_legal(business, LegalText(kind, 0, source), PATHS[kind], scheme=scheme)}


@server_callable(
    needs="settings.view",
    takes={
        "colours": Record(
            "The colours",
            {
                "primary_color": Colour("Main colour", required=True),
                "accent_color": Colour("Accent colour", required=True),
            },
            required=True,
        ),
        "scheme": SCHEME,
        "has_new_logo": Bool("A new logo", default=False),
        "without_logo": Bool("No logo", default=False),
    },
)
def preview_theme(
    colours: dict[str, str], scheme: str, has_new_logo: bool = False, without_logo: bool = False
) -> dict[str, Any]:
    """``{"html", "notes"}``: the home page in these colours, and what a person should know about
    how well they can be read. A new logo is at the address ``LOGO_PLACE``."""
    business = replace(read_business(), **colours)
    logo = LOGO_PLACE if has_new_logo else "" if without_logo else business.logo_url
    return {
        "html": render_home(business, scheme=scheme, logo=logo),
        "logo_place": LOGO_PLACE,
        "notes": contrast_notes(colours["primary_color"], colours["accent_color"]),
    }


def contrast_notes(primary: str, accent: str) -> list[str]:
    """What happens to colours that cannot be read as they are; empty where all is well."""
    notes = []
    for ground, where in ((LIGHT_GROUND, "light"), (DARK_GROUND, "dark")):
        ratio = contrast(primary, ground)
        if ratio < READABLE:
            shade = readable_on(primary, ground, READABLE)
            notes.append(
                f"On {where} pages the main colour has a contrast of {ratio:.1f} to 1, and "
                f"{READABLE} is needed to read it: links use {shade} there."
            )
    if contrast(primary, accent) < 1.2:
        notes.append("The two colours are hardly different.")
    return notes
