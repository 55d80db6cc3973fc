from ._anvil_designer import ReviewCardTemplate

from anvil import Notification, handle

from ...shared import api, formatting, navigation_helpers, session
from .. import lead_texts, review_texts
from ..WordsDialog import ask_words


class ReviewCard(ReviewCardTemplate):
    """One review with what can be done about it. Tells the list by `x-changed`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self._show(self.item)
        self.path = ""
        if self.item["contact_id"]:
            self.path = "/app/contacts/" + self.item["contact_id"]
            self.dom_nodes["contact"].href = self.path
            self.dom_nodes["contact"].textContent = self.item["contact_id"]

    def _show(self, review):
        nodes = self.dom_nodes
        nodes["stars"].textContent = review_texts.stars(review["rating"])
        nodes["stars"].setAttribute("aria-label", "{} of 5 stars".format(review["rating"]))
        nodes["author"].textContent = review["author_name"]
        lead_texts.show_chip(
            nodes["status"], review["status"], review_texts.STATUS_NAMES, review_texts.STATUS_CHIPS
        )
        nodes["about"].textContent = "{} · {}".format(
            review["subject_title"], formatting.day(review["submitted_at"])
        )
        nodes["text"].textContent = review["text"] or "No words, only stars."
        nodes["text"].classList.toggle("mb-soft", not review["text"])
        nodes["reason"].textContent = "Hidden because: {}".format(review["reason"] or "")
        nodes["reason"].hidden = not review["reason"]
        nodes["reply"].hidden = not review["reply"]
        nodes["reply_text"].textContent = review["reply"] or ""
        may = session.may("marketing.manage")
        self.btn_publish.visible = may and review["status"] != "published"
        self.btn_hide.visible = may and review["status"] != "hidden"
        self.btn_reply.visible = may
        self.btn_reply.text = "Change the answer" if review["reply"] else "Answer"

    def contact_click(self, event):
        navigation_helpers.follow(event, self.path)

    def _call(self, name, *args):
        try:
            api.call(name, self.item["review_id"], *args)
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.parent.raise_event("x-changed")

    @handle("btn_publish", "click")
    def btn_publish_click(self, **event_args):
        self._call("moderate_review", "published")

    @handle("btn_hide", "click")
    def btn_hide_click(self, **event_args):
        reason = ask_words(
            "Hide this review?",
            "A review may be hidden if it breaks the law or is not about you at all. Hiding it "
            "because it is critical misleads your customers.",
            "Hide",
            "Why",
        )
        if reason:
            self._call("moderate_review", "hidden", reason)

    @handle("btn_reply", "click")
    def btn_reply_click(self, **event_args):
        reply = ask_words(
            "Answer in public",
            "Your answer stands below the review. Leave it empty to take it away.",
            "Save",
            "Your answer",
            before=self.item["reply"] or "",
            may_be_empty=True,
        )
        if reply is not None:
            self._call("reply_to_review", reply)
