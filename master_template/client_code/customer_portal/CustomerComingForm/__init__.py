from ._anvil_designer import CustomerComingFormTemplate

from anvil import handle

from ...shared import navigation_helpers
from ...shared.navigation_groups import CUSTOMER_ITEMS
from ...shared.routes import COMING_TO_CUSTOMERS


class CustomerComingForm(CustomerComingFormTemplate):
    """Says plainly that a customer cannot do this online yet."""

    def __init__(self, section, **properties):
        title, what = COMING_TO_CUSTOMERS[section]
        path = "/app/my/" + section
        navigation_helpers.arrive(path, title)
        self.init_components(**properties)
        self.dom_nodes["heading"].textContent = title
        self.dom_nodes["text"].textContent = what + "."
        for name, where in CUSTOMER_ITEMS:
            if where == path:
                navigation_helpers.highlight_active_nav(self.layout, name)

    @handle("", "show")
    def form_show(self, **event_args):
        navigation_helpers.require_auth()
