from ._anvil_designer import LeadFormRowTemplate

from ...shared import formatting, navigation_helpers
from .. import lead_texts


class LeadFormRow(LeadFormRowTemplate):
    """One lead form in the list. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        form = self.item
        self.path = "/app/lead-capture/" + form["form_id"]
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["name"].textContent = form["name"]
        kind = lead_texts.KIND_NAMES[form["kind"]]
        nodes["kind"].textContent = kind + " · " + formatting.day(form["created_at"])
        lead_texts.show_chip(
            nodes["status"], form["status"], lead_texts.STATUS_NAMES, lead_texts.STATUS_CHIPS
        )
        for name in ("views", "submissions", "confirmations"):
            nodes[name].textContent = formatting.number(form[name])
        rate = form["rate"]
        nodes["rate"].textContent = "–" if rate is None else formatting.percent(rate)

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
