from ._anvil_designer import CustomerLayoutTemplate

from anvil import handle

from ... import appearance, navigation_helpers, session
from ...navigation_groups import CUSTOMER_ITEMS


class CustomerLayout(CustomerLayoutTemplate):
    """What a customer sees around their own pages."""

    def __init__(self, **properties):
        self.nav_names = [item[0] for item in CUSTOMER_ITEMS]
        self.init_components(**properties)
        self.dom_nodes["brand"].textContent = session.business()["business_name"]
        appearance.draw_mark(self.dom_nodes["mark"])
        for name, path in CUSTOMER_ITEMS:
            navigation_helpers.connect_link(getattr(self, "nav_" + name), path)
        self.show_parts()

    def show_parts(self):
        """Show the parts that the server says. Called again when that changes."""
        user = session.user()
        shown = user["portal_parts"] if user else []
        for name in self.nav_names:
            getattr(self, "nav_" + name).visible = name in shown

    @handle("nav_log_out", "click")
    def nav_log_out_click(self, **event_args):
        navigation_helpers.log_out()

    @handle("btn_mode", "click")
    def btn_mode_click(self, **event_args):
        appearance.toggle_mode()
