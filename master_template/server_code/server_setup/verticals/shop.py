"""A shop for things of the house in Stellenbosch, with a bench where they are made."""

from __future__ import annotations

from datetime import time

from ...server_auth.rbac import CUSTOMER, MANAGER, STAFF
from .shape import Colleague, Offer, Person, Product, Talk, Task, Vertical

PEOPLE = (
    Person("Lindelwa", "Mbeki", "", "Stellenbosch", "+27 82 555 0401", ("ceramics",)),
    Person("Stefan", "Burger", "", "Somerset West", "+27 82 555 0402", ("gifts",)),
    Person("Camille", "Roux", "Roux Interiors", "Franschhoek", "+27 82 555 0403", ("trade",)),
    Person("Nthabiseng", "Molapo", "", "Cape Town", "+27 82 555 0404", ("candles", "vip")),
    Person("Ursula", "Achermann-Zimmerli", "", "Luzern", "", ("gifts",)),
    Person("Imraan", "Davids", "", "Paarl", "+27 82 555 0405", ("workshop",)),
    Person("Tess", "Gallagher", "", "Wellington", "+27 82 555 0406", ("linen",)),
    Person("Mandla", "Ntuli", "Ntuli Hotels", "Cape Town", "+27 82 555 0407", ("trade", "vip")),
    Person("Sanne", "Bakker", "", "Haarlem", "", ("ceramics",)),
    Person("Elmarie", "Coetzee", "", "Worcester", "+27 82 555 0408", ("linen", "gifts")),
    Person("Joaquim", "Figueiredo", "", "Porto", "", ("gifts",)),
    Person("Karabo", "Lekota", "", "Stellenbosch", "+27 82 555 0409", ("workshop", "candles")),
    Person("Philippa", "Northcote", "", "Hout Bay", "+27 82 555 0410", ("vip", "linen")),
    Person("Rashid", "Parker", "Parker Events", "Cape Town", "+27 82 555 0411", ("trade",)),
    Person("Anele", "Gqirana", "", "Strand", "+27 82 555 0412", ("candles",)),
    Person("Wilhelmina", "van Schalkwyk", "", "Robertson", "+27 82 555 0413", ("ceramics",)),
    Person("Dorota", "Zielińska", "", "Gdańsk", "", ("gifts",)),
    Person("Lwazi", "Mthethwa", "", "Cape Town", "+27 82 555 0414", ("workshop",)),
    Person("Harriet", "Oosthuizen", "", "Stellenbosch", "+27 82 555 0415", ("vip",)),
    Person("Jean-Baptiste", "Lemaire", "", "Lyon", "", ("ceramics", "linen")),
    Person("Zodwa", "Khanyile", "", "Durban", "+27 82 555 0416", ("candles", "gifts")),
    Person("Peter", "Ng'ang'a", "", "Nairobi", "", ("gifts",)),
)

PRODUCTS = (
    Product("Stoneware bowl", "stoneware-bowl", 42_000, 18, 6, "Thrown here.", ("Ceramics",)),
    Product("Espresso cup, pair", "espresso-cups", 36_000, 3, 8, "Speckled glaze.", ("Ceramics",)),
    Product("Serving platter", "serving-platter", 98_000, 5, 3, "Oval, 42 cm.", ("Ceramics",)),
    Product("Bud vase", "bud-vase", 24_000, 0, 5, "For one good stem.", ("Ceramics",)),
    Product("Linen tablecloth", "linen-tablecloth", 165_000, 7, 3, "2.5 m, washed.", ("Linen",)),
    Product("Tea towel", "tea-towel", 14_500, 44, 12, "Woven, dries for years.", ("Linen",)),
    Product("Napkins, four", "napkins", 48_000, 4, 5, "Hemmed by hand.", ("Linen",)),
    Product("Beeswax candle", "beeswax-candle", 18_500, 31, 10, "Burns 20 hours.", ("Candles",)),
    Product("Fynbos candle", "fynbos-candle", 29_500, 16, 8, "Buchu and wild mint.", ("Candles",)),
    Product("Olive-wood board", "olive-board", 74_000, 9, 4, "From old trees.", ("Wood",)),
    Product("Gift box", "gift-box", 59_000, 12, 4, "Candle, towel, honey.", ("Gifts",)),
    Product("Gift card", "gift-card", 50_000, 99, 10, "For who has everything.", ("Gifts",)),
)

TALK = Talk(
    visits=(
        "Looked through the new glazes",
        "Came for a wedding present",
        "Collected an order at the counter",
        "Brought friends from abroad",
    ),
    notes=(
        "Collects the speckled series: tell her when the kiln opens.",
        "Wants the order wrapped, one parcel for each child.",
        "Exchanged the platter for a larger one.",
        "Trade prices from ten pieces on.",
        "Ship to the office, not home.",
    ),
    calls=(
        "Asked whether the bowls go into the oven. They do, up to 200 degrees.",
        "Called about a parcel; it lay with the neighbour.",
    ),
    emails=("Your order is on its way", "New from the kiln", "Invitation to the winter sale"),
    paid="Bought at the counter",
)

TASKS = (
    Task("Wrap the order for {name}", "custom", 0),
    Task("Tell {name} that the cups are back", "follow_up", 0),
    Task("Ask {name} for a review", "review_request", 1),
    Task("Order clay and wicks", "custom", -2),
    Task("Call {name} about the trade order", "custom", -1),
    Task("Send {name} a voucher", "win_back", 2),
    Task("Photograph the new glazes", "custom", 4),
    Task("Exchange the cracked platter of {name}", "custom", -3, is_done=True),
)

SHOP = Vertical(
    name="shop",
    profile={
        "tagline": "Good things for every day, made to last",
        "description": "Bowls, linen and candles, made by people whom we know; some of them at "
        "the bench behind the counter, where you can watch.\n\n"
        "We send anywhere, and wrap what is a present.",
        "email": "hello@shop.example",
        "phone": "+27 21 555 0140",
        "address": {
            "line1": "58 Dorp Street",
            "city": "Stellenbosch",
            "postal_code": "7600",
            "country": "South Africa",
        },
    },
    primary_color="#7a4b2a",
    accent_color="#3f6f6a",
    features=frozenset({"ecommerce", "bookings", "marketing", "blog", "reviews", "loyalty"}),
    policies={
        "cancellation_hours": 48,
        "late_cancellation_percent": 50,
        "refund_days": 14,
        "notes": "Unused goods come back within 30 days, in the shop or by post.",
    },
    people=PEOPLE,
    colleagues=(
        Colleague("mia", "Mia", "Theron", MANAGER),
        Colleague("sam", "Sam", "Jacobs", STAFF),
        Colleague("carl", "Carl", "Meyer", CUSTOMER),
    ),
    talk=TALK,
    products=PRODUCTS,
    tasks=TASKS,
    earlier_cents=(18_500, 42_000, 59_000, 98_000, 165_000, 240_000),
    opt_in="Left the address at the counter for news",
    offers=(
        Offer("Throw your first bowl", (5,), time(10, 0), 150, 85_000, (2, 5)),
        Offer("Candle evening", (3,), time(18, 0), 120, 55_000, (1, 4)),
    ),
    earlier_kind="order",
    booked_by="Website",
    sources=("order", "walk_in", "website", "social", "referral"),
)
