"""Colours that go together, from the one that the business chose."""

from __future__ import annotations

import colorsys


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 to 1 (WCAG 2.2, section on relative luminance)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def hue(colour: str) -> float:
    """Where a colour is on the colour wheel, 0 to 1."""
    return colorsys.rgb_to_hls(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))[0]


def with_lightness(colour: str, lightness: float) -> str:
    """The colour in another lightness, 0 to 1, hue and saturation kept."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    hue, _, saturation = colorsys.rgb_to_hls(*parts)
    made = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in made)


def readable_on(colour: str, ground: str, ratio: float = 4.5) -> str:
    """The colour, as much darker or lighter as it takes to be readable on a ground."""
    step = -0.02 if luminance(ground) > 0.4 else 0.02
    lightness = colorsys.rgb_to_hls(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))[1]
    end = 0.0 if step < 0 else 1.0
    while contrast(colour, ground) < ratio and lightness != end:
        lightness = min(1.0, max(0.0, lightness + step))
        colour = with_lightness(colour, lightness)
    return colour


def palette(primary: str, accent: str) -> dict[str, str]:
    """What a page needs: each text colour has at least 4.5:1 on what it stands on."""
    return {
        "primary": primary,
        # White or black: one of the two has 4.58:1 or more on any colour.
        "on_primary": max("#ffffff", "#000000", key=lambda ink: contrast(ink, primary)),
        # The accent rings what has the focus: 3:1 is asked of it (WCAG 2.2, 1.4.11).
        "accent": readable_on(accent, "#fbfaf7", 3),
        "accent_dark": readable_on(accent, "#141816", 3),
        "link": readable_on(primary, "#fbfaf7"),
        "primary_dark": readable_on(with_lightness(primary, 0.66), "#1d2320", 7),
    }
