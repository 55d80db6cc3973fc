"""The menu of the business: its groups, as MB 2.2 lists them, and who sees what.

A group is (name of its heading or None, destinations); a destination is (name, path, feature that
has to be switched on or None, permission that the user needs or None).
"""

GROUPS = [
    (None, [("dashboard", "/app/dashboard", None, None)]),
    (
        "group_sales",
        [
            ("bookings", "/app/coming/bookings", "bookings", "bookings.view"),
            ("products", "/app/coming/products", "ecommerce", "products.view"),
            ("orders", "/app/coming/orders", "ecommerce", "products.view"),
            ("rooms", "/app/coming/rooms", "hospitality", "bookings.view"),
            ("services", "/app/coming/services", "services", "bookings.view"),
            ("memberships", "/app/coming/memberships", "memberships", "bookings.view"),
        ],
    ),
    (
        "group_customers",
        [
            ("contacts", "/app/contacts", None, "customers.view"),
            ("marketing", "/app/marketing", "marketing", "marketing.view"),
            ("campaigns", "/app/campaigns", "marketing", "marketing.view"),
            ("broadcasts", "/app/broadcasts", "marketing", "marketing.view"),
            ("segments", "/app/segments", "marketing", "customers.view"),
            ("tasks", "/app/tasks", "marketing", "customers.view"),
            ("lead_capture", "/app/lead-capture", "marketing", "marketing.view"),
            ("reviews", "/app/reviews", "reviews", "marketing.view"),
            ("referrals", "/app/referrals", "referrals", "marketing.view"),
        ],
    ),
    (
        "group_content",
        [
            ("blog", "/app/coming/blog", "blog", "content.view"),
            ("pages", "/app/coming/pages", None, "content.view"),
            ("media", "/app/coming/media", None, "content.view"),
        ],
    ),
    (
        "group_finance",
        [
            ("invoices", "/app/coming/invoices", None, "finance.view"),
            ("payments", "/app/coming/payments", None, "finance.view"),
            ("reports", "/app/coming/reports", None, "analytics.view"),
            ("analytics", "/app/coming/analytics", None, "analytics.view"),
        ],
    ),
    ("line_settings", [("settings", "/app/settings", None, "settings.view")]),
]

# What an app that depends on this one has in place of these, but for the settings: (name, text,
# icon, path, permission that the user needs or None).
OTHER_ITEMS = []


def replace_menu(items):
    """Let an app that depends on this one have a menu of its own; see OTHER_ITEMS."""
    OTHER_ITEMS[:] = items


# The menu of a customer: (name, path). The server says which show, by the rules of MB 2.2.
CUSTOMER_ITEMS = [
    ("my_dashboard", "/app/home"),
    ("my_bookings", "/app/my/bookings"),
    ("my_orders", "/app/my/orders"),
    ("my_membership", "/app/my/membership"),
    ("payment_methods", "/app/my/payment-methods"),
    ("invoices", "/app/my/invoices"),
    ("my_reviews", "/app/my/reviews"),
    ("support", "/app/my/support"),
    ("account", "/app/account"),
]
