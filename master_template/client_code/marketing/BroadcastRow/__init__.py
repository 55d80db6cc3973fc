from ._anvil_designer import BroadcastRowTemplate

from ...shared import formatting, navigation_helpers
from .. import campaign_texts


class BroadcastRow(BroadcastRowTemplate):
    """One broadcast in the list. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        broadcast = self.item
        self.path = "/app/broadcasts/" + broadcast["broadcast_id"]
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["name"].textContent = broadcast["broadcast_name"]
        nodes["about"].textContent = broadcast["subject"] or "No subject yet"
        campaign_texts.show_chip(
            nodes["status"], broadcast["status"], campaign_texts.BROADCAST_STATUS
        )
        moment = broadcast["started_at"] or broadcast["scheduled_at"]
        nodes["first"].textContent = formatting.day(moment) if moment else "–"
        for name in ("planned", "sent", "waiting"):
            nodes[name].textContent = formatting.number(broadcast["counts"][name])

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
