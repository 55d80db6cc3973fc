from ._anvil_designer import CampaignRowTemplate

from ...shared import formatting, navigation_helpers
from .. import campaign_texts


class CampaignRow(CampaignRowTemplate):
    """One campaign in the list. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        campaign = self.item
        self.path = "/app/campaigns/" + campaign["campaign_id"]
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["name"].textContent = campaign["campaign_name"]
        nodes["about"].textContent = campaign["trigger_text"]
        campaign_texts.show_chip(
            nodes["status"], campaign["status"], campaign_texts.CAMPAIGN_STATUS
        )
        nodes["first"].textContent = formatting.number(campaign["step_count"])
        for name in ("planned", "sent", "waiting"):
            nodes[name].textContent = formatting.number(campaign["counts"][name])

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
