"""The kinds of business that sample data can be made for, by name."""

from __future__ import annotations

from .cleaning_service import CLEANING_SERVICE
from .consultant import CONSULTANT
from .guesthouse import GUESTHOUSE
from .shape import Vertical
from .shop import SHOP
from .yoga_studio import YOGA_STUDIO

VERTICALS: dict[str, Vertical] = {
    each.name: each for each in (YOGA_STUDIO, GUESTHOUSE, CONSULTANT, SHOP, CLEANING_SERVICE)
}
