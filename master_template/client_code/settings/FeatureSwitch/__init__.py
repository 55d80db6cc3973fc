from ._anvil_designer import FeatureSwitchTemplate

from anvil import handle


class FeatureSwitch(FeatureSwitchTemplate):
    """One feature with its switch; `item` says which, and whom to tell."""

    def __init__(self, **properties):
        self.init_components(**properties)
        item = self.item
        self.dom_nodes["title"].textContent = item["title"]
        self.dom_nodes["text"].textContent = item["text"]
        self.sw_feature.selected = item["on"]
        self.sw_feature.enabled = item["may_change"]
        self.sw_feature.accessible_name = item["title"]

    @handle("sw_feature", "change")
    def sw_feature_change(self, **event_args):
        is_on = bool(self.sw_feature.selected)
        if not self.item["change"](self.item["name"], is_on):
            self.sw_feature.selected = not is_on
