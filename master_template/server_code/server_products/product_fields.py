"""What follows from a product's other columns. Whoever writes them writes it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_low_stock(product: Mapping[str, Any]) -> bool:
    """Whether so few can still be sold that it is time to order.

    A search cannot compare two columns, so the answer has one of its own, ``is_low_stock``, and the
    database refuses a row in which it is wrong (``products_low_stock_is_true``).
    """
    if not product["track_inventory"] or product["status"] != "active":
        return False
    left = int(product["inventory_count"]) - int(product["reserved_count"])
    return left <= int(product["low_stock_threshold"])
