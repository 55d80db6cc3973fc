from ._anvil_designer import CustomerDashboardFormTemplate

from anvil import handle

from ...shared import navigation_helpers, session


class CustomerDashboardForm(CustomerDashboardFormTemplate):
    """A customer's first page."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/home", "My dashboard")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "my_dashboard")
        user = session.user()
        if user:
            nodes = self.dom_nodes
            nodes["greeting"].textContent = "Hello " + (user["name"].split(" ")[0] or user["email"])
            nodes["subtitle"].textContent = "at " + session.business()["business_name"]
            nodes["name"].textContent = user["name"]
            nodes["email"].textContent = user["email"]

    @handle("", "show")
    def form_show(self, **event_args):
        navigation_helpers.require_auth()

    @handle("btn_account", "click")
    def btn_account_click(self, **event_args):
        navigation_helpers.go("/app/account")
