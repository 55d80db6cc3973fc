"""What a permission means to a person: areas of the product, and what one may do in each.

An area is (name, title, what it holds); its permissions are `name.view` and `name.manage`.
"""

AREAS = [
    ("bookings", "Bookings", "Calendar, appointments, services and rooms"),
    ("customers", "Customers", "Contacts, their history and notes"),
    ("products", "Products", "Catalogue, stock and orders"),
    ("marketing", "Marketing", "Campaigns, broadcasts and segments"),
    ("content", "Website", "Pages, blog and media"),
    ("finance", "Finance", "Invoices, payments and refunds"),
    ("analytics", "Analytics", "Figures and reports"),
    ("settings", "Settings", "Profile, features, theme and integrations"),
    ("users", "People", "Who works here and what they may do"),
]
# An area in which there is nothing to change.
ONLY_VIEWED = ("analytics",)

ROLE_TEXTS = {
    "owner": "Everything, including the settings and handing the business over",
    "manager": "Everything but changing the settings",
    "admin": "Day-to-day work in all areas",
    "staff": "Bookings, and a look at customers and products",
}


def permissions_of_area(area):
    """The permissions that an area has."""
    names = [area + ".view"]
    if area not in ONLY_VIEWED:
        names.append(area + ".manage")
    return names
