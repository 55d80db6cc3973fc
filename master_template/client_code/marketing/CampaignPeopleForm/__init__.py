from ._anvil_designer import CampaignPeopleFormTemplate

from anvil import Notification, handle

from ...shared import api, navigation_helpers, session
from ...shared.listing import Listing
from .. import campaign_texts

WORDS = {
    "what": "This campaign",
    "one": "person",
    "many": "people",
    "none": "Nobody has been in it yet",
    "none_text": "Whoever comes in shows here, with the mail that is next for them.",
}


class CampaignPeopleForm(CampaignPeopleFormTemplate):
    """Who is in a campaign and who was, and putting people in by hand."""

    def __init__(self, campaign_id, **properties):
        self.campaign_id = campaign_id
        self.home = "/app/campaigns/" + campaign_id
        path = self.home + "/people"
        navigation_helpers.arrive(path, "People in a campaign")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "campaigns")
        self.dom_nodes["back"].href = self.home
        self.dom_nodes["add"].hidden = not session.may("marketing.manage")
        self.dd_status.items = campaign_texts.items_of(campaign_texts.ENROLLMENT_STATUS, "Everyone")
        self.rp_items.set_event_handler("x-hold", self._hold)
        self.rp_items.set_event_handler("x-out", self._take_out)
        self.pick_contact.look_up(self._find)
        self.listing = Listing(
            self,
            path,
            "list_enrollments",
            "enrollments",
            {"status": self.dd_status},
            WORDS,
            fixed={"campaign_id": campaign_id},
            first=self._load_campaign,
        )

    def back_click(self, event):
        navigation_helpers.follow(event, self.home)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    def _load_campaign(self):
        campaign = api.call_quietly("get_campaign", self.campaign_id)["campaign"]
        self.dom_nodes["title"].textContent = "People in " + campaign["campaign_name"]
        self.dom_nodes["back"].textContent = "‹ " + campaign["campaign_name"]

    def _find(self, text):
        """The contacts for what is typed."""
        query = {"search": text, "page_size": 10}
        found = api.call_quietly("list_contacts", query)["contacts"]
        return [
            (one["full_name"] + " · " + (one["email"] or one["contact_id"]), one["contact_id"])
            for one in found
        ]

    @handle("btn_add", "click")
    def btn_add_click(self, **event_args):
        note = self.dom_nodes["add_note"]
        contact_id = self.pick_contact.selected_value
        if not contact_id:
            note.textContent = "Please choose someone first."
            return
        try:
            api.call("enroll_contact_in_campaign", contact_id, self.campaign_id)
        except api.ApiError as error:
            note.textContent = error.message
            return
        note.textContent = ""
        self.pick_contact.selected_value = None
        self.listing.load()

    def _hold(self, item, **event_args):
        self._change("pause_enrollment", item, item["status"] != "paused")

    def _take_out(self, item, **event_args):
        self._change("unenroll_contact", item)

    def _change(self, name, item, *more):
        try:
            api.call(name, item["contact_id"], self.campaign_id, *more)
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.listing.load()
