from ._anvil_designer import ReviewRequestRowTemplate

from ...shared import formatting, navigation_helpers
from .. import lead_texts, review_texts


class ReviewRequestRow(ReviewRequestRowTemplate):
    """Somebody who was or will be asked. It is one link to the contact."""

    def __init__(self, **properties):
        self.init_components(**properties)
        request = self.item
        nodes = self.dom_nodes
        nodes["who"].textContent = request["contact_name"] or "Nobody any more"
        nodes["subject"].textContent = request["reason"] or request["subject_title"]
        lead_texts.show_chip(
            nodes["status"],
            request["status"],
            review_texts.REQUEST_NAMES,
            review_texts.REQUEST_CHIPS,
        )
        nodes["due"].textContent = formatting.day(request["due_at"])
        nodes["sent"].textContent = formatting.day(request["sent_at"])
        self.path = ""
        if request["contact_id"]:
            self.path = "/app/contacts/" + request["contact_id"]
            nodes["row"].href = self.path

    def row_click(self, event):
        if self.path:
            navigation_helpers.follow(event, self.path)
