from ._anvil_designer import AccountFormTemplate

from anvil import handle

from ...shared import navigation_helpers, session


class AccountForm(AccountFormTemplate):
    """A customer's account."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/account", "Account settings")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "account")
        user = session.user()
        self.dom_nodes["email"].textContent = user["email"] if user else ""

    @handle("", "show")
    def form_show(self, **event_args):
        navigation_helpers.require_auth()
