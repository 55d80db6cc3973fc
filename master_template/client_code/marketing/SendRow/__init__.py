from ._anvil_designer import SendRowTemplate

from anvil import Notification, handle

from ...shared import api, formatting, navigation_helpers, session
from ...shared.components.ConfirmationDialog import ask
from .. import send_texts


class SendRow(SendRowTemplate):
    """One recipient of a mail, and what became of it; `item` is what `list_sends` gives."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self._show(self.item)

    def _show(self, send):
        nodes = self.dom_nodes
        self.path = "/app/contacts/" + send["contact_id"]
        nodes["name"].textContent = send["name"]
        if send["contact_id"] and session.may("customers.view"):
            nodes["name"].href = self.path
        nodes["email"].textContent = send["email"]
        nodes["chip"].textContent = send["state_text"]
        nodes["chip"].className = "mb-chip " + send_texts.STATE_CHIPS.get(send["state"], "")
        why = send["reason_text"] or _what_happened(send)
        nodes["why"].textContent = why
        detail = send["detail"]
        if send["decided_by"]:
            detail = "Decided by {}".format(send["decided_by"])
        nodes["detail"].textContent = detail
        nodes["detail"].hidden = not detail
        nodes["when"].textContent = formatting.day_and_time(_moment(send))
        self.btn_decide.visible = send["state"] == "unknown" and session.may("marketing.manage")
        self.btn_decide.accessible_name = "Decide about {}".format(send["name"])

    def name_click(self, event):
        if self.item["contact_id"] and session.may("customers.view"):
            navigation_helpers.follow(event, self.path)

    @handle("btn_decide", "click")
    def btn_decide_click(self, **event_args):
        send = self.item
        decision = ask(
            "Did {} get it?".format(send["name"]),
            "The mail was handed over, and no answer came back: it may or may not have gone out. "
            "Sent again, it may arrive twice.",
            [
                ("It did not", "not_sent"),
                ("Send it again", "send_again"),
                ("It did", "sent"),
            ],
            detail=send["detail"],
        )
        if decision is None:
            return
        try:
            answer = api.call("decide_send", send["send_key"], decision)
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.item = answer["send"]
        self._show(self.item)
        self.parent.raise_event("x-decided")


def _what_happened(send):
    """The most telling thing that came of a mail."""
    found = [words for name, words in send_texts.HAPPENED if send[name]]
    return found[-1] if found else ""


def _moment(send):
    if send["state"] == "waiting":
        return send["due_at"] or send["planned_at"]
    found = [send[name] for name, _ in send_texts.HAPPENED if send[name]]
    return found[-1] if found else send["settled_at"]
