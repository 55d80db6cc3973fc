"""The kinds of business that sample data can be made for, by name."""

from __future__ import annotations

from .shape import Vertical
from .yoga_studio import YOGA_STUDIO

VERTICALS: dict[str, Vertical] = {each.name: each for each in (YOGA_STUDIO,)}
