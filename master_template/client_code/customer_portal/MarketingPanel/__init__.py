from ._anvil_designer import MarketingPanelTemplate

from anvil import Notification, handle

from ...shared import api


class MarketingPanel(MarketingPanelTemplate):
    """Whether the business may write to the customer, and all that was agreed to so far."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.sw_marketing.accessible_name = "News and offers by e-mail"
        self.sw_measuring.accessible_name = "Measure what I open and click"

    def show_account(self, account):
        """Show an account as `get_my_account` gives it."""
        self.sw_marketing.selected = account["is_opted_in"]
        self.sw_measuring.selected = bool(account["measuring"])
        self.dom_nodes["measuring"].hidden = account["measuring"] is None
        self.rp_consents.items = account["consents"]
        has_history = bool(account["consents"])
        self.dom_nodes["history"].hidden = not has_history

    @handle("sw_marketing", "change")
    def sw_marketing_change(self, **event_args):
        self._choose(self.sw_marketing, "set_my_marketing_consent")

    @handle("sw_measuring", "change")
    def sw_measuring_change(self, **event_args):
        self._choose(self.sw_measuring, "set_my_tracking_choice")

    def _choose(self, switch, function):
        """Save what a switch says, or put it back."""
        is_on = bool(switch.selected)
        switch.enabled = False
        try:
            api.call(function, is_on)
            account = api.call_quietly("get_my_account")
        except api.ApiError as error:
            switch.selected = not is_on
            Notification(error.message, title="Not saved", style="danger").show()
            return
        finally:
            switch.enabled = True
        self.show_account(account)
        Notification("Saved.", timeout=2).show()
