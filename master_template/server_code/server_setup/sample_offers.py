"""What the yoga studio of the sample data offers, sells and has to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

WEEK = (0, 1, 2, 3, 4)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Offer:
    """A class or lesson: on which weekdays (Monday is 0), when, and how many people come."""

    name: str
    weekdays: tuple[int, ...]
    starts: time
    minutes: int
    price_cents: int
    people: tuple[int, int]
    is_private: bool = False


CLASSES = (
    Offer("Sunrise Vinyasa", WEEK, time(6, 30), 60, 22_000, (1, 3)),
    Offer("Yin & meditation", (0, 2, 4), time(17, 30), 75, 24_000, (1, 3)),
    Offer("Beginners' evening", (1, 3), time(18, 30), 60, 18_000, (1, 4)),
    Offer("Saturday Ashtanga", (5,), time(9, 0), 90, 28_000, (3, 6)),
    Offer("Sunday slow flow", (6,), time(10, 0), 75, 24_000, (2, 5)),
    Offer("Private lesson", (1, 4), time(12, 0), 60, 65_000, (1, 1), is_private=True),
)

# Name, slug, price, pieces there, pieces at which it is time to order, what it is.
PRODUCTS = (
    ("Cork yoga mat", "cork-yoga-mat", 129_000, 14, 5, "Grippy, warm, from harvested bark."),
    ("Travel mat", "travel-mat", 79_000, 2, 4, "Folds to the size of a towel."),
    ("Cork block", "cork-block", 24_000, 0, 6, "Firm support for hands and hips."),
    ("Cotton strap", "cotton-strap", 18_000, 22, 6, "Two and a half metres, metal buckle."),
    ("Buckwheat bolster", "buckwheat-bolster", 89_000, 3, 3, "For long, quiet poses."),
    ("Lavender eye pillow", "lavender-eye-pillow", 21_000, 11, 5, "For the last ten minutes."),
    ("Rooibos & ginger tea", "rooibos-ginger-tea", 9_500, 31, 10, "Loose leaf, 100 g."),
    ("Handbook for beginners", "handbook-for-beginners", 32_000, 7, 3, "Forty poses, drawn."),
)

# Title, kind, days until it is due, whether it is done.
TASKS = (
    ("Call {name} about the teacher training", "custom", -3, False),
    ("Ask {name} how the first month was", "follow_up", -1, False),
    ("Send {name} the way to the retreat", "arrival_instructions", 0, False),
    ("Invite {name} back with a free class", "win_back", 0, False),
    ("Order cork blocks", "custom", 0, False),
    ("Ask {name} for a review", "review_request", 1, False),
    ("Write the autumn timetable", "custom", 4, False),
    ("Thank {name} for the referral", "custom", -6, True),
    ("Ask {name} for a review of the workshop", "review_request", -8, True),
)
