from ._anvil_designer import ReviewRequestFormTemplate

from anvil import Notification, handle

from ...shared import api, navigation_helpers, session
from ...shared.listing import Listing
from ..PersonDialog import ask_person

PATH = "/app/reviews/requests"
LIST_PATH = "/app/reviews"
WORDS = {
    "one": "request",
    "many": "requests",
    "none": "Nobody was asked yet",
    "none_text": "Switch on that customers are asked by themselves, or ask someone now.",
}


class ReviewRequestForm(ReviewRequestFormTemplate):
    """Asking for reviews: by itself or by hand, and whom that has reached."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Ask for reviews")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "reviews")
        self.dom_nodes["back"].href = LIST_PATH
        self.btn_ask.visible = session.may("marketing.manage")
        self.listing = Listing(self, PATH, "list_review_requests", "requests", {}, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.settings.load()
        self.listing.start()

    def back_click(self, event):
        navigation_helpers.follow(event, LIST_PATH)

    @handle("btn_ask", "click")
    def btn_ask_click(self, **event_args):
        chosen = ask_person(
            "Ask for a review",
            "They get one mail with a link to write a review.",
            "Send",
            "What it is about, like “your retreat in June”",
        )
        if chosen is None:
            return
        contact, title = chosen
        try:
            api.call("send_review_request", contact["contact_id"], title)
        except api.ApiError as error:
            Notification(error.message, title="Not sent", style="danger", timeout=6).show()
            return
        Notification("{} was asked.".format(contact["full_name"]), timeout=3).show()
        self.listing.load()
