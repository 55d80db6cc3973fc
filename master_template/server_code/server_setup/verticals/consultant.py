"""A consultant for small firms in Johannesburg."""

from __future__ import annotations

from datetime import time

from ...server_auth.rbac import CUSTOMER, MANAGER, STAFF
from .shape import WEEK, Colleague, Offer, Person, Product, Talk, Task, Vertical

PEOPLE = (
    Person("Palesa", "Mahlangu", "Mahlangu Bakery", "Soweto", "+27 82 555 0301", ("pricing",)),
    Person("Gareth", "Whitmore", "Whitmore & Daughters", "Sandton", "+27 82 555 0302", ("board",)),
    Person("Yusuf", "Cassim", "Cassim Hardware", "Lenasia", "+27 82 555 0303", ("succession",)),
    Person("Nandi", "Buthelezi", "Thread & Needle", "Melville", "+27 82 555 0304", ("start-up",)),
    Person("Petra", "Holzapfel", "Holzapfel Ladenbau GmbH", "Kassel", "", ("export",)),
    Person("Andile", "Khoza", "Khoza Plumbing", "Roodepoort", "+27 82 555 0305", ("pricing",)),
    Person("Rosa", "Almeida", "Padaria Almeida", "Maputo", "", ("retainer",)),
    Person("Craig", "Lombard", "Lombard Orthodontics", "Bryanston", "+27 82 555 0306", ("staff",)),
    Person("Zinhle", "Radebe", "Radebe Interiors", "Parkhurst", "+27 82 555 0307", ("start-up",)),
    Person("Vikram", "Pillay", "Pillay Textiles", "Durban", "+27 82 555 0308", ("retainer",)),
    Person("Hannelore", "Vosloo", "Vosloo Guest Farm", "Cullinan", "+27 82 555 0309", ("tax",)),
    Person("Teboho", "Mofokeng", "Mofokeng Motors", "Vereeniging", "+27 82 555 0310", ("board",)),
    Person("Isla", "Drummond-Carmichael", "Kirk & Carmichael", "Edinburgh", "", ("export",)),
    Person("Lebo", "Nkuna", "Nkuna Beauty", "Midrand", "+27 82 555 0311", ("start-up", "pricing")),
    Person("Marius", "Basson", "Basson Bricks", "Centurion", "+27 82 555 0312", ("succession",)),
    Person("Aisha", "Mohamed", "Spice Route Catering", "Fordsburg", "+27 82 555 0313", ("staff",)),
    Person("Kgomotso", "Tau", "Tau Security", "Pretoria", "+27 82 555 0314", ("retainer",)),
    Person("Benjamin", "Levy", "Levy Opticians", "Norwood", "+27 82 555 0315", ("tax",)),
    Person("Chiara", "Romano", "Romano Gelato", "Rosebank", "+27 82 555 0316", ("pricing",)),
    Person("Sello", "Phakathi", "Phakathi Print", "Randburg", "+27 82 555 0317", ("staff",)),
)

OFFERS = (
    # There is one consultant, and one of these at a time.
    Offer("Strategy session", (0, 2), time(9, 0), 120, 360_000, (0, 1), "consultant"),
    Offer("Monthly review", WEEK, time(11, 30), 60, 160_000, (0, 1), "consultant"),
    Offer("First conversation", (1, 3), time(14, 0), 45, 0, (0, 1), "consultant"),
    Offer("Numbers clinic", (1, 3), time(15, 30), 90, 220_000, (0, 1), "consultant"),
    Offer("Workshop: prices that hold", (4,), time(9, 0), 150, 145_000, (2, 5)),
)

TALK = Talk(
    visits=(
        "Strategy session in the office",
        "Walked through the shop floor together",
        "Board meeting, took the minutes",
        "Monthly review by video",
    ),
    notes=(
        "Wants to open a second branch by spring; the figures do not carry it yet.",
        "Send the template for the cash-flow plan.",
        "Decides together with the brother: invite both.",
        "Happy to be named as a reference.",
        "Invoice to the holding, not to the shop.",
    ),
    calls=(
        "Called about the bank's questions; sent the three figures that they want.",
        "Asked whether to raise prices now. Yes, and tell customers why.",
    ),
    emails=("Summary of our session", "Your action list", "Invitation to the pricing workshop"),
    paid="Paid the invoice",
)

PRODUCTS = (
    Product("Cash-flow workbook", "cash-flow-workbook", 45_000, 40, 5, "Spreadsheet and guide."),
    Product("Price your work", "price-your-work", 32_000, 2, 5, "The book, 180 pages."),
    Product("Meeting cards", "meeting-cards", 26_000, 0, 4, "Fifty questions for a better hour."),
    Product("Year planner", "year-planner", 19_500, 18, 6, "One page, one year, on the wall."),
)

TASKS = (
    Task("Send {name} the summary of the session", "follow_up", 0),
    Task("Prepare the figures for {name}", "custom", 0),
    Task("Ask {name} how the new prices are taken", "follow_up", -2),
    Task("Call {name}, who has not been here since spring", "win_back", 1),
    Task("Write the proposal for {name}", "custom", -1),
    Task("Ask {name} for a review", "review_request", 2),
    Task("Book the room for the next workshop", "custom", 6),
    Task("Thank {name} for the recommendation", "custom", -5, is_done=True),
)

CONSULTANT = Vertical(
    name="consultant",
    profile={
        "tagline": "Clear figures, calm decisions",
        "description": "For owners of small firms who want somebody to think along: prices, cash, "
        "people, and what comes after you.\n\n"
        "The first conversation costs nothing.",
        "email": "office@consultant.example",
        "phone": "+27 11 555 0130",
        "address": {
            "line1": "32 Jan Smuts Avenue",
            "city": "Johannesburg",
            "postal_code": "2196",
            "country": "South Africa",
        },
    },
    primary_color="#3b4a78",
    accent_color="#a5642b",
    features=frozenset({"bookings", "services", "marketing", "blog", "referrals"}),
    policies={
        "cancellation_hours": 48,
        "late_cancellation_percent": 50,
        "no_show_percent": 100,
        "reschedule_hours": 24,
        "notes": "Sessions by video can be moved to the same day where there is room.",
    },
    people=PEOPLE,
    colleagues=(
        Colleague("mia", "Mia", "Hendricks", MANAGER),
        Colleague("sam", "Sam", "Dhlamini", STAFF),
        Colleague("carl", "Carl", "Botha", CUSTOMER),
    ),
    talk=TALK,
    products=PRODUCTS,
    tasks=TASKS,
    earlier_cents=(160_000, 220_000, 360_000, 780_000),
    opt_in="Subscribed to the newsletter on the website",
    offers=OFFERS,
    earlier_kind="invoice",
    booked_by="Website",
    sources=("referral", "website", "manual", "social"),
)
