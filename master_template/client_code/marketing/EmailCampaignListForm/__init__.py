from ._anvil_designer import EmailCampaignListFormTemplate

from anvil import Notification, handle

from ...shared import api, formatting, navigation_helpers, session
from ...shared.listing import Listing
from .. import campaign_texts

PATH = "/app/campaigns"
WORDS = {
    "one": "campaign",
    "many": "campaigns",
    "none": "No campaigns yet",
    "none_text": "A campaign writes to people by itself: a welcome to who is new, "
    "a thank-you after a visit.",
}


class EmailCampaignListForm(EmailCampaignListFormTemplate):
    """The campaigns, with what each one has sent."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Campaigns")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "campaigns")
        self.btn_new.visible = self.btn_ready.visible = session.may("marketing.manage")
        self.dd_status.items = campaign_texts.items_of(
            campaign_texts.CAMPAIGN_STATUS, "All but archived"
        )
        controls = {"search": self.txt_search, "status": self.dd_status}
        self.listing = Listing(self, PATH, "list_campaigns", "campaigns", controls, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go(PATH + "/new")

    @handle("btn_ready", "click")
    def btn_ready_click(self, **event_args):
        try:
            added = api.call("add_ready_made_campaigns")["added"]
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        text = formatting.plural(added, "draft was added.", "drafts were added.")
        Notification(text if added else "All that suit you are there already.", timeout=4).show()
        self.listing.load()
