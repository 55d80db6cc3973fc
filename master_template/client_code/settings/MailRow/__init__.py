from ._anvil_designer import MailRowTemplate

from anvil import handle

from ...shared import api, formatting, session

STATUSES = {
    "queued": ("On its way", "lead"),
    "sent": ("Sent", "active"),
    "failed": ("Failed", "lost"),
}


class MailRow(MailRowTemplate):
    """One mail of the log; `item` is what `list_mails` gives."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self._show(self.item)

    def _show(self, mail):
        nodes = self.dom_nodes
        nodes["subject"].textContent = mail["subject"]
        nodes["recipient"].textContent = mail["recipient"]
        nodes["when"].textContent = formatting.day_and_time(mail["sent_at"] or mail["queued_at"])
        text, kind = STATUSES[mail["status"]]
        if mail["status"] == "queued" and mail["error"]:
            text = "Tried {}".format(formatting.plural(mail["attempts"], "time", "times"))
        nodes["chip"].textContent = text
        nodes["chip"].className = "mb-chip " + kind
        nodes["error"].textContent = mail["error"]
        nodes["error"].hidden = not mail["error"]
        self.btn_retry.visible = mail["status"] == "failed" and session.may("settings.manage")
        self.btn_retry.accessible_name = "Try again: {}".format(mail["recipient"])

    @handle("btn_retry", "click")
    def btn_retry_click(self, **event_args):
        self.btn_retry.enabled = False
        try:
            self._show(api.call("retry_mail", self.item["mail_id"])["mail"])
        except api.ApiError as error:
            self.dom_nodes["error"].textContent = error.message
            self.dom_nodes["error"].hidden = False
        finally:
            self.btn_retry.enabled = True
