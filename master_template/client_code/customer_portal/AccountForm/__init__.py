from ._anvil_designer import AccountFormTemplate

from anvil import handle

from ...shared import api, navigation_helpers, session
from ..guard import require_customer


class AccountForm(AccountFormTemplate):
    """A customer's account: details, messages, password, and the way to their data."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/account", "Account settings")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "account")
        user = session.user()
        self.dom_nodes["email"].textContent = user["email"] if user else ""
        # From the start: a part of the page may ask the server before the page itself does.
        self.state.say("loading")

    @handle("", "show")
    def form_show(self, **event_args):
        if require_customer():
            self.load()

    def load(self):
        """Read the account, and show it."""
        self.dom_nodes["body"].hidden = True
        self.state.say("loading")
        try:
            account = api.call_quietly("get_my_account")
        except api.ApiError as error:
            self.state.say("error", "Your account did not load", error.message, "Try again")
            return
        self.state.say("none")
        self.profile_panel.show_profile(account["profile"])
        self.marketing_panel.show_account(account)
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def data_click(self, event):
        navigation_helpers.follow(event, "/app/account/data")
