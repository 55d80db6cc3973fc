from ._anvil_designer import DuplicatesFormTemplate

from anvil import handle

from ...shared import navigation_helpers
from ...shared.listing import Listing

PATH = "/app/contacts/duplicates"
WORDS = {
    "one": "likely duplicate",
    "many": "likely duplicates",
    "none": "No duplicates",
    "none_text": "No two contacts share an address, a telephone number or a name.",
}


class DuplicatesForm(DuplicatesFormTemplate):
    """Contacts that are likely one person, the surest first."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Duplicates")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")
        self.listing = Listing(
            self, PATH, "find_duplicates", "groups", {}, WORDS, on_show=self._say_what_was_looked_at
        )

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    def _say_what_was_looked_at(self, answer):
        self.dom_nodes["partial"].hidden = answer["is_all"]

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/contacts")
