from ._anvil_designer import MarketingPanelTemplate

from anvil import Notification, handle

from ...shared import api


class MarketingPanel(MarketingPanelTemplate):
    """Whether the business may write to the customer, and all that was agreed to so far."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.sw_marketing.accessible_name = "News and offers by e-mail"

    def show_account(self, account):
        """Show an account as `get_my_account` gives it."""
        self.sw_marketing.selected = account["is_opted_in"]
        self.rp_consents.items = account["consents"]
        has_history = bool(account["consents"])
        self.dom_nodes["history"].hidden = not has_history

    @handle("sw_marketing", "change")
    def sw_marketing_change(self, **event_args):
        is_given = bool(self.sw_marketing.selected)
        self.sw_marketing.enabled = False
        try:
            api.call("set_my_marketing_consent", is_given)
            account = api.call_quietly("get_my_account")
        except api.ApiError as error:
            self.sw_marketing.selected = not is_given
            Notification(error.message, title="Not saved", style="danger").show()
            return
        finally:
            self.sw_marketing.enabled = True
        self.show_account(account)
        Notification("Saved.", timeout=2).show()
