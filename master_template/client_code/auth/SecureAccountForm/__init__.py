from ._anvil_designer import SecureAccountFormTemplate

from anvil import handle

from ...shared import navigation_helpers, session


class SecureAccountForm(SecureAccountFormTemplate):
    """The business wants a second factor of everyone who works here, and this person has none yet:
    there is nothing else for them until they have."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/secure", "Secure your account")
        self.init_components(**properties)

    @handle("", "show")
    def form_show(self, **event_args):
        user = navigation_helpers.require_auth()
        if user and not user["owes_factor"]:
            navigation_helpers.navigate_to_dashboard()

    @handle("panel", "x-changed")
    def panel_changed(self, **event_args):
        user = session.user()
        if user and not user["owes_factor"]:
            navigation_helpers.navigate_to_dashboard()

    def log_out_click(self, event):
        event.preventDefault()
        navigation_helpers.log_out()
