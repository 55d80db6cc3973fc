from ._anvil_designer import FeatureActivationSettingsTemplate

from anvil import handle

from ...shared import api, session

FEATURES = [
    ("bookings", "Bookings", "Calendar, appointments and classes"),
    ("services", "Services", "What people can book, with prices"),
    ("hospitality", "Hospitality", "Rooms and nightly stays"),
    ("ecommerce", "Shop", "Products, stock and orders"),
    ("memberships", "Memberships", "Plans and session passes"),
    ("marketing", "Marketing", "Campaigns, broadcasts and segments"),
    ("blog", "Blog", "Posts on your website"),
    ("reviews", "Reviews", "Ask for them and show them"),
    ("referrals", "Referrals", "Thank people who bring others"),
    ("loyalty", "Loyalty", "Points, coupons and gift cards"),
    ("conversations", "Conversations", "WhatsApp and other messages"),
    ("service_areas", "Service areas", "Where you go to your customers"),
]


class FeatureActivationSettings(FeatureActivationSettingsTemplate):
    """A switch for each feature; each takes effect at once."""

    def __init__(self, **properties):
        self.init_components(**properties)

    def load(self):
        """Read which features are on and show them."""
        self.state.kind = "loading"
        try:
            enabled = api.call_quietly("get_settings")["settings"]["features_enabled"]
        except api.ApiError as error:
            self.state.say("error", "The features did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.rp_features.items = [
            {
                "name": name,
                "title": title,
                "text": text,
                "on": bool(enabled.get(name)),
                "may_change": session.may("settings.manage"),
                "change": self.change_feature,
            }
            for name, title, text in FEATURES
        ]
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def change_feature(self, name, is_on):
        """Switch one feature; give whether it worked."""
        self.dom_nodes["problem"].hidden = True
        try:
            api.call("update_features", {name: is_on})
            session.refresh()
        except api.ApiError as error:
            self.dom_nodes["problem_text"].textContent = error.message
            self.dom_nodes["problem"].hidden = False
            return False
        self.raise_event("x-menu-changed")
        return True
