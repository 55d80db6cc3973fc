from ._anvil_designer import ReportRowTemplate

from ...shared import formatting, navigation_helpers
from .. import campaign_texts


class ReportRow(ReportRowTemplate):
    """What one campaign or broadcast did in the time of a report. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        source = self.item
        self.path = "/app/{}s/{}".format(source["kind"], source["id"])
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["name"].textContent = source["name"]
        nodes["kind"].textContent = source["kind"].title()
        nodes["sent"].textContent = formatting.number(source["sent"])
        nodes["opens"].textContent = campaign_texts.rate(source["open_rate"])
        nodes["clicks"].textContent = campaign_texts.rate(source["click_rate"])
        nodes["unsubscribes"].textContent = formatting.number(source["unsubscribes"])
        nodes["revenue"].textContent = formatting.money_in_short(source["revenue_cents"])

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
