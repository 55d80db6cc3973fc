from ._anvil_designer import RewardRowTemplate

from ...shared import formatting

WHY = {"referrer": "For recommending us", "friend": "Your gift for coming"}
ENTRIES = {"granted": "To be used", "used": "Used", "revoked": "Taken back"}
CHIPS = {"granted": "active", "used": "", "revoked": "deleted"}


class RewardRow(RewardRowTemplate):
    """A reward for a recommendation; `item` as `get_my_referrals` gives it."""

    def __init__(self, **properties):
        self.init_components(**properties)
        reward, nodes = self.item, self.dom_nodes
        nodes["what"].textContent = reward["words"]
        said = WHY[reward["side"]] + " · " + formatting.day(reward["recorded_at"])
        nodes["said"].textContent = said
        nodes["entry"].textContent = ENTRIES[reward["entry"]]
        nodes["entry"].className = "mb-chip " + CHIPS[reward["entry"]]
