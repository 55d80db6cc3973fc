from ._anvil_designer import ReviewListFormTemplate

from anvil import handle

from ...shared import formatting, navigation_helpers
from ...shared.listing import Listing
from ..review_texts import STATUS_NAMES, stars

PATH = "/app/reviews"
REQUESTS_PATH = "/app/reviews/requests"
STATUS_ITEMS = [("Any status", None)] + [
    (STATUS_NAMES[word], word) for word in ("pending", "published", "hidden")
]
RATING_ITEMS = [("Any stars", None)] + [(stars(rating), str(rating)) for rating in (5, 4, 3, 2, 1)]
WORDS = {
    "one": "review",
    "many": "reviews",
    "none": "No reviews yet",
    "none_text": "Ask customers for a review after a booking or an order; what they write waits "
    "here until you have read it.",
}


class ReviewListForm(ReviewListFormTemplate):
    """What customers have written: read it, publish it, answer it."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Reviews")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "reviews")
        self.dd_status.items = STATUS_ITEMS
        self.dd_rating.items = RATING_ITEMS
        controls = {"status": self.dd_status, "rating": self.dd_rating}
        self.listing = Listing(
            self, PATH, "list_reviews", "reviews", controls, WORDS, on_show=self._show_summary
        )
        self.rp_items.add_event_handler("x-changed", self._changed)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    def _changed(self, **event_args):
        self.listing.load()

    def _show_summary(self, answer):
        summary = answer["summary"]
        if summary["count"]:
            average = "{:.1f}".format(summary["average"])
            note = formatting.plural(summary["count"], "published review", "published reviews")
            self.card_average.show(average, note, note_icon="star")
        else:
            self.card_average.show("–", "Nothing is published yet")
        pending = answer["pending"]
        tone = "attention" if pending else "good"
        note = "Waiting for you" if pending else "All is read"
        self.card_pending.show(formatting.number(pending), note, tone)
        self.dom_nodes["figures"].hidden = False

    @handle("btn_requests", "click")
    def btn_requests_click(self, **event_args):
        navigation_helpers.go(REQUESTS_PATH)
