"""A guesthouse above the sea in Hermanus."""

from __future__ import annotations

from datetime import time

from ...server_auth.rbac import CUSTOMER, MANAGER, STAFF
from .shape import Colleague, Offer, Person, Product, Room, Talk, Task, Vertical

PEOPLE = (
    Person("Margaret", "Ashworth", "", "Bath", "+44 20 7946 0101", ("sea view", "returning")),
    Person("Kobus", "van Rensburg", "", "Bloemfontein", "+27 82 555 0201", ("family",)),
    Person("Annika", "Lindström", "", "Göteborg", "", ("whales", "vegetarian")),
    Person("Thandeka", "Mkhize", "", "Durban", "+27 82 555 0202", ("anniversary",)),
    Person("Heinrich", "von Bülow-Trummer", "", "Hamburg", "", ("birding", "returning")),
    Person("Pascale", "Dubois", "", "Bordeaux", "+33 6 39 98 01 02", ("wine",)),
    Person("Sizwe", "Ngcobo", "Ngcobo Consulting", "Johannesburg", "+27 82 555 0203", ("work",)),
    Person("Giulia", "Marchetti", "", "Verona", "", ("honeymoon",)),
    Person("Ewan", "MacGillivray", "", "Inverness", "+44 1632 960 104", ("whales",)),
    Person("Riana", "Steenkamp", "", "Pretoria", "+27 82 555 0204", ("family", "pool")),
    Person("Maartje", "de Vries", "", "Utrecht", "", ("birding",)),
    Person("Lungile", "Hadebe", "", "Cape Town", "+27 82 555 0205", ("returning", "sea view")),
    Person("Hiroshi", "Yamamoto", "", "Osaka", "", ("whales",)),
    Person("Deborah", "Katz", "Katz Wedding Planners", "Cape Town", "+27 82 555 0206", ("agent",)),
    Person("Francois", "du Plessis", "", "Stellenbosch", "+27 82 555 0207", ("wine",)),
    Person("Amara", "Okafor", "", "Lagos", "", ("anniversary", "sea view")),
    Person("Lars", "Rasmussen", "", "Aarhus", "", ("family",)),
    Person("Busisiwe", "Zwane", "Zwane Travel", "Johannesburg", "+27 82 555 0208", ("agent",)),
    Person("Claire", "Fitzgerald-O'Donnell", "", "Cork", "", ("returning",)),
    Person("Johan", "Pretorius", "", "George", "+27 82 555 0209", ("work", "late arrival")),
    Person("Mei-Ling", "Wong", "", "Singapore", "", ("honeymoon", "vegetarian")),
    Person("Samuel", "Brandt", "", "Windhoek", "", ("family", "pool")),
    Person("Ntombi", "Sibeko", "", "Gqeberha", "+27 82 555 0210", ("anniversary",)),
    Person("Oliver", "Pemberton", "", "Leeds", "+44 113 496 0105", ("birding",)),
)

ROOMS = (
    Room("Whale room, sea view", "whale-room", 245_000, 2),
    Room("Milkwood room, garden", "milkwood-room", 165_000, 2),
    Room("Fynbos family suite", "fynbos-suite", 320_000, 4),
    Room("Lighthouse loft", "lighthouse-loft", 195_000, 2),
)

TALK = Talk(
    visits=(
        "Checked in, settled on the terrace",
        "Breakfast on the terrace",
        "Walked the cliff path with our map",
        "Checked out; the whales stayed until noon",
    ),
    notes=(
        "Arrives after nine: leave the key in the safe by the gate.",
        "No nuts at breakfast, please.",
        "Would like the same room again next spring.",
        "Celebrates 25 years: flowers and a bottle in the room.",
        "Brings a cot for the little one.",
    ),
    calls=(
        "Called about parking; there is a place behind the gate.",
        "Asked when the whales come: from July, best in September.",
    ),
    emails=("Your stay with us", "How to find us", "What to see in Hermanus"),
    paid="Paid on arrival",
)

PRODUCTS = (
    Product("Breakfast basket", "breakfast-basket", 28_000, 12, 4, "For the beach, for two."),
    Product("Fynbos honey", "fynbos-honey", 14_500, 26, 8, "From the hives up the hill, 500 g."),
    Product("Bottle of Hemel-en-Aarde Pinot", "pinot-noir", 39_000, 3, 6, "From the next valley."),
    Product("Picnic blanket", "picnic-blanket", 68_000, 5, 2, "Wool, rolls up with a strap."),
    Product("Whale chart", "whale-chart", 19_500, 0, 3, "Who swims by, and how to tell."),
    Product("Guesthouse bathrobe", "bathrobe", 89_000, 4, 4, "As in your room, in cotton."),
)

TASKS = (
    Task("Send {name} the way to us", "arrival_instructions", 0),
    Task("Put flowers in the room for {name}", "custom", 0),
    Task("Ask {name} how the stay was", "follow_up", -1),
    Task("Ask {name} for a review", "review_request", 1),
    Task("Have the loft's shutter mended", "custom", -3),
    Task("Invite {name} back for the whale season", "win_back", 2),
    Task("Order firewood", "custom", 5),
    Task("Thank {name} for the kind words", "custom", -4, is_done=True),
)

GUESTHOUSE = Vertical(
    name="guesthouse",
    profile={
        "tagline": "Four rooms above the sea",
        "description": "A quiet house on the cliff path in Hermanus. From July to November the "
        "whales come so close that you hear them breathe.\n\n"
        "Breakfast is on the terrace, as late as you like.",
        "email": "stay@guesthouse.example",
        "phone": "+27 28 555 0120",
        "address": {
            "line1": "7 Marine Drive",
            "city": "Hermanus",
            "postal_code": "7200",
            "country": "South Africa",
        },
    },
    primary_color="#1f5f7a",
    accent_color="#b5713c",
    features=frozenset({"bookings", "hospitality", "ecommerce", "marketing", "blog", "reviews"}),
    policies={
        "cancellation_hours": 24 * 7,
        "late_cancellation_percent": 50,
        "no_show_percent": 100,
        "reschedule_hours": 24 * 7,
        "reschedule_limit": 1,
        "notes": "Rooms are yours from 14:00, and until 10:00 on the day you leave.",
    },
    people=PEOPLE,
    colleagues=(
        Colleague("mia", "Mia", "Adams", MANAGER),
        Colleague("sam", "Sam", "October", STAFF),
        Colleague("carl", "Carl", "Whitfield", CUSTOMER),
    ),
    talk=TALK,
    products=PRODUCTS,
    tasks=TASKS,
    earlier_cents=(165_000, 245_000, 390_000, 640_000),
    opt_in="Ticked the box on the registration card",
    offers=(
        Offer("Whale watching by boat", (2, 5), time(9, 0), 150, 98_000, (1, 3)),
        Offer("Dinner at the long table", (4,), time(19, 0), 150, 42_000, (1, 4)),
    ),
    rooms=ROOMS,
    earlier_kind="booking",
    booked_by="Website",
    sources=("website", "booking", "referral", "social", "manual"),
)
