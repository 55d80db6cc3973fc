from ._anvil_designer import IntegrationSettingsTemplate

from anvil import handle

from ...shared import api, unsaved

# Group -> repeating panel and the section around it.
GROUPS = {
    "Payments": "payments",
    "E-mail": "mail",
    "Messages": "messages",
    "Shipping": "shipping",
    "Calendars": "calendars",
}


class IntegrationSettings(IntegrationSettingsTemplate):
    """The outside services that the business uses: keys, tests, and whether they work."""

    def __init__(self, **properties):
        self.cards = []
        self.init_components(**properties)
        unsaved.watch(self, self.is_dirty, save=self.save)

    def load(self):
        """Read what is connected and show it."""
        self.state.kind = "loading"
        self.dom_nodes["body"].hidden = True
        try:
            integrations = api.call_quietly("list_integrations")["integrations"]
        except api.ApiError as error:
            self.state.say("error", "The integrations did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.cards = []
        for group in GROUPS:
            panel = getattr(self, "rp_" + GROUPS[group])
            panel.items = [
                {"integration": one, "remember": self.cards.append}
                for one in integrations
                if one["group"] == group
            ]
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return any(card.is_dirty() for card in self.cards)

    def save(self):
        """Save each card that was changed; give whether all of them are."""
        changed = [card for card in self.cards if card.is_dirty()]
        return all([card.save() for card in changed])
