from ._anvil_designer import LeadSubmissionRowTemplate

from ...shared import formatting, navigation_helpers
from .. import lead_texts


class LeadSubmissionRow(LeadSubmissionRowTemplate):
    """Someone who filled in a form; a link to the contact, once there is one."""

    def __init__(self, **properties):
        self.init_components(**properties)
        sent = self.item
        nodes = self.dom_nodes
        nodes["email"].textContent = sent["contact_name"] or sent["email"]
        nodes["page"].textContent = sent["page"] or ""
        nodes["status"].textContent = lead_texts.SUBMISSION_NAMES[sent["status"]]
        nodes["when"].textContent = formatting.ago(sent["submitted_at"])
        self.path = ""
        if sent["contact_id"]:
            self.path = "/app/contacts/" + sent["contact_id"]
            nodes["row"].href = self.path

    def row_click(self, event):
        if self.path:
            navigation_helpers.follow(event, self.path)
