"""A cleaning service in Durban, with two vans."""

from __future__ import annotations

from datetime import time

from ...server_auth.rbac import CUSTOMER, MANAGER, STAFF
from .shape import WEEK, Colleague, Offer, Person, Product, Talk, Task, Vertical

PEOPLE = (
    Person("Shireen", "Naidu", "", "Umhlanga", "+27 82 555 0501", ("weekly", "key with us")),
    Person("Bradley", "Swanepoel", "", "Ballito", "+27 82 555 0502", ("fortnightly", "dog")),
    Person("Hlengiwe", "Cele", "Cele Attorneys", "Durban", "+27 82 555 0503", ("office",)),
    Person("Rajesh", "Govender", "Govender Dental", "Musgrave", "+27 82 555 0504", ("office",)),
    Person("Jacqueline", "Thornton-Blake", "", "La Lucia", "+27 82 555 0505", ("weekly",)),
    Person("Mfundo", "Dube", "", "Glenwood", "+27 82 555 0506", ("moving out",)),
    Person("Karen", "Erasmus", "", "Westville", "+27 82 555 0507", ("weekly", "allergy")),
    Person("Priscilla", "Moodley", "", "Phoenix", "+27 82 555 0508", ("fortnightly",)),
    Person("Nhlanhla", "Zungu", "Zungu Holiday Flats", "Durban", "+27 82 555 0509", ("flats",)),
    Person("Dominic", "Farrell", "", "Kloof", "+27 82 555 0510", ("windows",)),
    Person("Fathima", "Essop", "", "Overport", "+27 82 555 0511", ("weekly", "key with us")),
    Person("Sipho", "Mchunu", "Mchunu Brokers", "Umhlanga", "+27 82 555 0512", ("office",)),
    Person("Lorraine", "Petzer", "", "Hillcrest", "+27 82 555 0513", ("fortnightly",)),
    Person("Ayesha", "Karim", "Little Steps Nursery", "Berea", "+27 82 555 0514", ("office",)),
    Person("Wouter", "Nel", "", "Salt Rock", "+27 82 555 0515", ("moving out",)),
    Person("Nokuthula", "Shange", "", "Pinetown", "+27 82 555 0516", ("weekly",)),
    Person("Gillian", "Ashdown", "", "Umdloti", "+27 82 555 0517", ("flats", "key with us")),
    Person("Vusi", "Magubane", "", "Morningside", "+27 82 555 0518", ("fortnightly", "dog")),
    Person("Sunitha", "Reddy", "Reddy Pharmacy", "Chatsworth", "+27 82 555 0519", ("office",)),
    Person("Colin", "Bezuidenhout", "", "Amanzimtoti", "+27 82 555 0520", ("windows",)),
)

OFFERS = (
    # A van with its team is in one place at a time.
    Offer("Home, weekly", WEEK, time(8, 0), 180, 54_000, (1, 1), "van-1"),
    Offer("Home, fortnightly", (0, 2, 4), time(11, 30), 240, 69_000, (0, 1), "van-1"),
    Offer("Windows", (1, 3), time(11, 30), 150, 62_000, (0, 1), "van-1"),
    Offer("Holiday flat, changeover", (4, 5, 6), time(10, 0), 150, 58_000, (0, 1), "van-2"),
    Offer("Moving out", (0, 3), time(8, 0), 420, 185_000, (0, 1), "van-2"),
    Offer("Office, evening", (0, 1, 2, 3), time(18, 0), 120, 46_000, (1, 1), "van-2"),
)

TALK = Talk(
    visits=(
        "Weekly clean, all rooms",
        "Windows inside and out",
        "Kitchen and both bathrooms, deep clean",
        "Office cleaned after hours",
    ),
    notes=(
        "The key is in the safe, number 14. Alarm: ask the office.",
        "The dog is friendly and wants out first.",
        "No bleach: the little one is allergic.",
        "Park in the yard, not on the street.",
        "Wants the same team each time.",
    ),
    calls=(
        "Asked to come an hour later on Friday; moved.",
        "Called about a broken vase. We replace it.",
    ),
    emails=("Your visit tomorrow", "Your team is on its way", "Spring cleaning: dates are open"),
    paid="Paid by debit order",
)

PRODUCTS = (
    Product("All-purpose cleaner, 1 l", "all-purpose-cleaner", 8_900, 36, 12, "Refill, citrus."),
    Product("Microfibre cloths, six", "microfibre-cloths", 12_900, 4, 10, "Washable 300 times."),
    Product("Window squeegee", "window-squeegee", 18_500, 9, 3, "Brass, as we use it."),
    Product("Descaler, 500 ml", "descaler", 7_400, 0, 8, "Without a smell."),
    Product("Gift voucher: a clean home", "voucher-clean-home", 54_000, 50, 5, "One visit."),
    Product("Lavender linen spray", "linen-spray", 11_500, 14, 6, "From the Midlands."),
)

TASKS = (
    Task("Tell {name} when the team arrives", "arrival_instructions", 0),
    Task("Order cloths and descaler", "custom", 0),
    Task("Ask {name} whether all was well", "follow_up", -1),
    Task("Give {name} a price for the whole house", "custom", -2),
    Task("Ask {name} for a review", "review_request", 1),
    Task("Offer {name} spring cleaning", "win_back", 3),
    Task("Service of van 2", "custom", 5),
    Task("Replace the vase of {name}", "custom", -4, is_done=True),
)

CLEANING_SERVICE = Vertical(
    name="cleaning-service",
    profile={
        "tagline": "Come home to a clean one",
        "description": "The same two people each time, who know where everything belongs. Homes, "
        "offices and holiday flats from Ballito to Amanzimtoti.\n\n"
        "Our own cleaners are refilled, mild, and without a smell.",
        "email": "office@cleaning.example",
        "phone": "+27 31 555 0150",
        "address": {
            "line1": "21 Florida Road",
            "city": "Durban",
            "postal_code": "4001",
            "country": "South Africa",
        },
    },
    primary_color="#0f6a8b",
    accent_color="#7a6a1f",
    features=frozenset({"bookings", "services", "service_areas", "marketing", "reviews"}),
    policies={
        "cancellation_hours": 24,
        "late_cancellation_percent": 100,
        "no_show_percent": 100,
        "reschedule_hours": 24,
        "reschedule_limit": 3,
        "notes": "If nobody opens and there is no key, the visit counts as made.",
    },
    people=PEOPLE,
    colleagues=(
        Colleague("mia", "Mia", "Khumalo", MANAGER),
        Colleague("sam", "Sam", "Singh", STAFF),
        Colleague("carl", "Carl", "Hughes", CUSTOMER),
    ),
    talk=TALK,
    products=PRODUCTS,
    tasks=TASKS,
    earlier_cents=(46_000, 54_000, 62_000, 108_000, 185_000),
    opt_in="Ticked the box in the agreement",
    offers=OFFERS,
    earlier_kind="invoice",
    booked_by="Telephone",
    sources=("referral", "website", "manual", "social"),
)
