from ._anvil_designer import MarketingMailSettingsTemplate

from anvil import Notification, handle

from ...shared import api, navigation_helpers, session

WAYS = {
    "brevo": "Your e-mails go out through Brevo, which can tell you what was delivered, what came "
    "back and who complained. Addresses that do not work then get no more e-mails.",
    "smtp": "Your e-mails go out through your own mail server. It tells nobody what was "
    "delivered; what cannot be delivered comes back to your mailbox.",
    "server": "Your e-mails go out through the mail server of Mybizz. Addresses that do not work "
    "get no more e-mails once theirs come back. With Brevo you would also see what was delivered.",
}


class MarketingMailSettings(MarketingMailSettingsTemplate):
    """Whose opens and clicks are counted, and whether deliveries are reported."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.may = session.may("marketing.manage")
        for button in (self.rb_opted_in, self.rb_consented, self.rb_off):
            button.enabled = self.may

    def load(self):
        """Read what is set, and show it."""
        self.state.kind = "loading"
        try:
            settings = api.call_quietly("get_mail_settings")
        except api.ApiError as error:
            self.state.say("error", "The settings did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.dom_nodes["body"].hidden = False
        self._show(settings)

    def _show(self, settings):
        self.rg_tracking.selected_value = settings["tracking"]
        self.dom_nodes["way"].textContent = WAYS[settings["provider"]]
        self.btn_connect.visible = self.may and settings["provider"] == "brevo"
        self.dom_nodes["bounces"].hidden = settings["provider"] != "smtp"
        self.dom_nodes["bounce_address"].textContent = settings["bounce_address"]

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    @handle("rg_tracking", "change")
    def rg_tracking_change(self, **event_args):
        self._say("")
        try:
            settings = api.call("update_mail_settings", self.rg_tracking.selected_value)
        except api.ApiError as error:
            self._say(error.message)
            return
        self._show(settings)
        Notification("Saved.", timeout=2).show()

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text

    @handle("btn_connect", "click")
    def btn_connect_click(self, **event_args):
        self.btn_connect.enabled = False
        try:
            api.call("connect_brevo_reports")
            said = "Brevo now reports what becomes of your e-mails."
        except api.ApiError as error:
            said = error.message
        finally:
            self.btn_connect.enabled = True
        self.dom_nodes["said"].textContent = said

    @handle("btn_integrations", "click")
    def btn_integrations_click(self, **event_args):
        navigation_helpers.go("/app/settings/integrations")
