from ._anvil_designer import SettingsFormTemplate

from anvil import handle

from ...shared import api, navigation_helpers, session


class SettingsForm(SettingsFormTemplate):
    """How the business describes itself, and which features it uses."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/settings", "Settings")
        self._started = False
        self.init_components(**properties)
        self.feature_activation.add_event_handler("x-features-changed", self._features_changed)
        navigation_helpers.highlight_active_nav(self.layout, "settings")
        if not session.may("settings.manage"):
            self.dom_nodes[
                "subtitle"
            ].textContent = "You can look at these; the owner changes them."

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_admin():
            return
        self._started = True
        self.load()

    def load(self):
        """Read the settings and hand them to the two parts."""
        self.state.kind = "loading"
        try:
            settings = api.call_quietly("get_settings")["settings"]
        except api.ApiError as error:
            self.state.say("error", "The settings did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.business_profile.show_settings(settings)
        self.feature_activation.show_settings(settings)
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _features_changed(self, version, **event_args):
        # The same row has a new version; what is being typed in the profile stays.
        self.business_profile.version = version
        self.layout.show_destinations()
