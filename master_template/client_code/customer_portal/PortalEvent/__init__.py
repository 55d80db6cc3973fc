from ._anvil_designer import PortalEventTemplate

from ...shared import formatting
from ..portal_parts import EVENT_NAMES


class PortalEvent(PortalEventTemplate):
    """Something a customer did: `item` is an event as `get_my_dashboard` gives it."""

    def __init__(self, **properties):
        self.init_components(**properties)
        event, nodes = self.item, self.dom_nodes
        icon, name = EVENT_NAMES.get(event["event_type"], ("history", ""))
        nodes["icon"].setAttribute("name", icon)
        nodes["name"].textContent = name
        nodes["day"].textContent = formatting.day(event["event_date"])
        cents = event["amount_cents"]
        if cents is not None:
            nodes["amount"].textContent = formatting.money(cents, event["currency"])
