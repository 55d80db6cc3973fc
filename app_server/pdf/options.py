"""The options of ``anvil.pdf.PDFRenderer`` (Anvil's docs, "Creating PDFs").

Source of what is accepted and refused: ``anvil_downlink_host/pdf_renderer.py`` of the server wheel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

CM_PER_INCH = 2.54
QUALITIES = ("original", "screen", "printer", "prepress", "default")
SIDES = ("top", "bottom", "left", "right")

PAGE_SIZES = {
    "A0": (84.1, 118.9),
    "A1": (59.4, 84.1),
    "A2": (42.0, 59.4),
    "A3": (29.7, 42.0),
    "A4": (21.0, 29.7),
    "A5": (14.8, 21.0),
    "A6": (10.5, 14.8),
    "A7": (7.4, 10.5),
    "A8": (5.2, 7.4),
    "A9": (3.7, 5.2),
    "A10": (2.6, 3.7),
    "LETTER": (21.59, 27.94),
}
"""Width and height in cm (ISO 216; ANSI/ASME Y14.1)."""

MAX_SIDE_CM = 508.0
"""200 inches, the longest side of a page (ISO 32000-1, annex C)."""

MIN_SCALE, MAX_SCALE = 0.1, 2.0
"""What Chromium takes."""


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """``parameters`` are those of ``Page.printToPDF`` (Chrome DevTools Protocol), in inches."""

    filename: str
    quality: str
    parameters: dict[str, Any]


def read_options(given: object) -> PrintOptions:
    """ValueError or TypeError, with a message for the app's author, where an option is wrong."""
    if not isinstance(given, dict):
        raise TypeError("the options of a PDF have to be given by name")
    options = dict(given)
    filename = options.pop("filename", None) or "print.pdf"
    if not isinstance(filename, str):
        raise TypeError("filename has to be a string")
    quality = options.pop("quality", None) or "default"
    if quality not in QUALITIES:
        raise ValueError(f"Invalid PDF quality {quality!r} - must be one of {list(QUALITIES)}")
    parameters: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _READERS:
            raise ValueError(f"Unknown option {name!r}")
        if value is not None:
            parameters |= _READERS[name](value)
    return PrintOptions(filename, quality, parameters)


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{name} has to be a number")
    number = float(value)
    if not math.isfinite(number) or not low <= number <= high:
        raise ValueError(f"{name} has to be between {low:g} and {high:g}, not {value}")
    return number


def _read_landscape(value: object) -> dict[str, Any]:
    return {"landscape": bool(value)}


def _read_scale(value: object) -> dict[str, Any]:
    return {"scale": _number("scale", value, MIN_SCALE, MAX_SCALE)}


def _read_margins(value: object) -> dict[str, Any]:
    by_side = value if isinstance(value, dict) else dict.fromkeys(SIDES, value)
    return {
        f"margin{side.capitalize()}": _number("margins", by_side[side], 0, MAX_SIDE_CM)
        / CM_PER_INCH
        for side in SIDES
        if side in by_side
    }


def _read_page_size(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        size: Any = PAGE_SIZES.get(value.upper())
        if size is None:
            raise ValueError(f"Unknown page size {value!r} - try specifying (width, height) in cm")
    else:
        size = value
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise TypeError("page_size has to be a name, such as 'A4', or (width, height) in cm")
    width, height = (_number("page_size", side, 0.5, MAX_SIDE_CM) for side in size)
    return {"paperWidth": width / CM_PER_INCH, "paperHeight": height / CM_PER_INCH}


_READERS = {
    "landscape": _read_landscape,
    "scale": _read_scale,
    "margins": _read_margins,
    "page_size": _read_page_size,
}
