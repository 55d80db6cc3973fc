"""How each part of the portal presents itself on a customer's first page.

Where it is, its icon, its name, and one line on what is there. Which of them show, the server says.
"""

SHORTCUTS = {
    "my_bookings": (
        "/app/my/bookings",
        "calendar_month",
        "My bookings",
        "What you have booked, and what is coming up",
    ),
    "my_orders": (
        "/app/my/orders",
        "shopping_bag",
        "My orders",
        "What you have ordered, and where it is",
    ),
    "my_membership": (
        "/app/my/membership",
        "card_membership",
        "My membership",
        "Your plan and the sessions you have left",
    ),
    "payment_methods": (
        "/app/my/payment-methods",
        "credit_card",
        "Payment methods",
        "The cards you pay with",
    ),
    "invoices": ("/app/my/invoices", "receipt_long", "Invoices", "To read and to print"),
    "my_reviews": ("/app/my/reviews", "star", "My reviews", "What you have said about us"),
    "support": (
        "/app/my/support",
        "support_agent",
        "Support tickets",
        "Your questions to us, and our answers",
    ),
    "account": (
        "/app/account",
        "account_circle",
        "Account settings",
        "Your details, password and messages",
    ),
}
MY_DATA = ("/app/account/data", "shield", "My data", "Take it with you, or have it erased")

EVENT_NAMES = {
    "booking": ("event", "Booking"),
    "order": ("shopping_bag", "Order"),
    "payment": ("payments", "Payment"),
    "membership": ("card_membership", "Membership"),
}


def shortcuts(parts):
    """The shortcuts to these parts, as items of a list of `PortalShortcut`."""
    found = [SHORTCUTS[name] for name in parts if name in SHORTCUTS] + [MY_DATA]
    return [
        {"path": path, "icon": icon, "title": title, "text": text}
        for path, icon, title, text in found
    ]
