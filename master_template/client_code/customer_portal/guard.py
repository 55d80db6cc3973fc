"""Who may stay on a customer's page."""

from ..shared import navigation_helpers


def require_customer():
    """The logged-in customer; otherwise None, and the log-in or the business's own side is open."""
    user = navigation_helpers.require_auth()
    if user and user["is_staff"]:
        navigation_helpers.navigate_to_dashboard()
        return None
    return user
