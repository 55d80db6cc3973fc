from ._anvil_designer import StaffAccountFormTemplate

from anvil import handle

from ...shared import formatting, navigation_helpers, session


class StaffAccountForm(StaffAccountFormTemplate):
    """The account of someone who works here."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/me", "Your account")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, None)
        user = session.user()
        if user:
            role = formatting.ROLE_NAMES.get(user["role"], user["role"])
            self.dom_nodes["email"].textContent = user["email"] + " · " + role

    @handle("", "show")
    def form_show(self, **event_args):
        navigation_helpers.require_staff()
