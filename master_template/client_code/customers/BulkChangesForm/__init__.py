from ._anvil_designer import BulkChangesFormTemplate

from anvil import handle

from ...shared import navigation_helpers
from ...shared.listing import Listing
from ..managers import may_begin

PATH = "/app/contacts/changes"
WORDS = {
    "one": "change",
    "many": "changes",
    "none": "No bulk changes yet",
    "none_text": "What is done to several contacts at once in the list appears here, and can be "
    "undone for 30 days.",
}


class BulkChangesForm(BulkChangesFormTemplate):
    """What was done to many contacts at once: by whom, how far it is, and taking it back."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Bulk changes")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")
        self.listing = Listing(self, PATH, "list_bulk_changes", "changes", {}, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if may_begin(self):
            self.listing.start()

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/contacts")
