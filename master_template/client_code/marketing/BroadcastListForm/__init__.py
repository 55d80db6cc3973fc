from ._anvil_designer import BroadcastListFormTemplate

from anvil import handle

from ...shared import navigation_helpers, session
from ...shared.listing import Listing
from .. import campaign_texts

PATH = "/app/broadcasts"
WORDS = {
    "one": "broadcast",
    "many": "broadcasts",
    "none": "No broadcasts yet",
    "none_text": "A broadcast is one mail to many: news, an offer, a change of opening hours.",
}


class BroadcastListForm(BroadcastListFormTemplate):
    """The broadcasts, the newest first, with what became of each."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Broadcasts")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "broadcasts")
        self.btn_new.visible = session.may("marketing.manage")
        self.dd_status.items = campaign_texts.items_of(
            campaign_texts.BROADCAST_STATUS, "Any status"
        )
        controls = {"search": self.txt_search, "status": self.dd_status}
        self.listing = Listing(self, PATH, "list_broadcasts", "broadcasts", controls, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go(PATH + "/new")
