"""A yoga studio in Cape Town."""

from __future__ import annotations

from datetime import time

from ...server_auth.rbac import CUSTOMER, MANAGER, STAFF
from .shape import WEEK, Colleague, Offer, Product, Talk, Task, Vertical
from .yoga_studio_people import PEOPLE

OFFERS = (
    Offer("Sunrise Vinyasa", WEEK, time(6, 30), 60, 22_000, (1, 3)),
    Offer("Yin & meditation", (0, 2, 4), time(17, 30), 75, 24_000, (1, 3)),
    Offer("Beginners' evening", (1, 3), time(18, 30), 60, 18_000, (1, 4)),
    Offer("Saturday Ashtanga", (5,), time(9, 0), 90, 28_000, (3, 6)),
    Offer("Sunday slow flow", (6,), time(10, 0), 75, 24_000, (2, 5)),
    # It needs the small room for itself.
    Offer("Private lesson", (1, 4), time(12, 0), 60, 65_000, (1, 1), "small-room"),
)

PRODUCTS = (
    Product("Cork yoga mat", "cork-yoga-mat", 129_000, 14, 5, "Grippy, warm, from harvested bark."),
    Product("Travel mat", "travel-mat", 79_000, 2, 4, "Folds to the size of a towel."),
    Product("Cork block", "cork-block", 24_000, 0, 6, "Firm support for hands and hips."),
    Product("Cotton strap", "cotton-strap", 18_000, 22, 6, "Two and a half metres, metal buckle."),
    Product("Buckwheat bolster", "buckwheat-bolster", 89_000, 3, 3, "For long, quiet poses."),
    Product(
        "Lavender eye pillow", "lavender-eye-pillow", 21_000, 11, 5, "For the last ten minutes."
    ),
    Product("Rooibos & ginger tea", "rooibos-ginger-tea", 9_500, 31, 10, "Loose leaf, 100 g."),
    Product(
        "Handbook for beginners", "handbook-for-beginners", 32_000, 7, 3, "Forty poses, drawn."
    ),
)

TASKS = (
    Task("Call {name} about the teacher training", "custom", -3),
    Task("Ask {name} how the first month was", "follow_up", -1),
    Task("Send {name} the way to the retreat", "arrival_instructions", 0),
    Task("Invite {name} back with a free class", "win_back", 0),
    Task("Order cork blocks", "custom", 0),
    Task("Ask {name} for a review", "review_request", 1),
    Task("Write the autumn timetable", "custom", 4),
    Task("Thank {name} for the referral", "custom", -6, True),
    Task("Ask {name} for a review of the workshop", "review_request", -8, True),
)

TALK = Talk(
    visits=(
        "Vinyasa flow with Mia",
        "Slow flow with Sam",
        "Yin and meditation",
        "Ashtanga, Mysore style",
        "Gentle morning stretch",
    ),
    notes=(
        "Prefers the front row, close to the window.",
        "Old injury in the left knee: offer a bolster in kneeling poses.",
        "Asked for an invoice with the company's VAT number.",
        "Would like to bring a friend to a trial class next week.",
        "Travels until the end of the month, back for the workshop.",
        "Interested in the teacher training in spring; send the programme when it is out.",
    ),
    calls=(
        "Called about parking. Explained the entrance in the side street.",
        "Called to ask which class suits a beginner; suggested Tuesday evening.",
    ),
    emails=("Welcome message", "Timetable for the new term", "Invitation to the winter retreat"),
)

YOGA_STUDIO = Vertical(
    name="yoga-studio",
    profile={
        "tagline": "Move, breathe, come home to yourself",
        "description": "A small studio in the heart of Cape Town. Vinyasa, yin and meditation for "
        "people who have never stood on a mat, and for those who have for years.\n\n"
        "Come as you are: mats, blocks and tea are here.",
        "email": "hello@yogastudio.example",
        "phone": "+27 21 555 0100",
        "address": {
            "line1": "14 Bree Street",
            "city": "Cape Town",
            "postal_code": "8001",
            "country": "South Africa",
        },
    },
    primary_color="#2f6f5e",
    accent_color="#c46a3a",
    features=frozenset({"bookings", "services", "memberships", "marketing", "ecommerce", "blog"}),
    policies={
        "cancellation_hours": 12,
        "late_cancellation_percent": 50,
        "notes": "Please be here ten minutes before a class begins; the door closes when it does.",
    },
    people=PEOPLE,
    colleagues=(
        Colleague("mia", "Mia", "Fourie", MANAGER),
        Colleague("sam", "Sam", "Petersen", STAFF),
        Colleague("carl", "Carl", "Jansen", CUSTOMER),
    ),
    talk=TALK,
    products=PRODUCTS,
    tasks=TASKS,
    earlier_cents=(18_000, 22_000, 45_000, 95_000, 140_000),  # a class, a workshop, a pass
    opt_in="Ticked the box on the form at the front desk",
    offers=OFFERS,
)
