from ._anvil_designer import LeadCaptureListFormTemplate

from anvil import handle

from ...shared import navigation_helpers, session
from ...shared.listing import Listing
from ..lead_texts import STATUS_NAMES

PATH = "/app/lead-capture"
STATUS_ITEMS = [("Any status", None)] + [
    (STATUS_NAMES[word], word) for word in ("active", "draft", "paused")
]
WORDS = {
    "one": "form",
    "many": "forms",
    "none": "No forms yet",
    "none_text": "A form asks visitors of your website, or of any other, whether you may write to "
    "them. Make one, choose what it asks, and put one line into the website.",
}


class LeadCaptureListForm(LeadCaptureListFormTemplate):
    """The forms that bring in contacts, and what each one brings."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Lead capture")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "lead_capture")
        self.btn_new.visible = session.may("marketing.manage")
        self.dd_status.items = STATUS_ITEMS
        controls = {"search": self.txt_search, "status": self.dd_status}
        self.listing = Listing(self, PATH, "list_lead_forms", "forms", controls, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go(PATH + "/new")
