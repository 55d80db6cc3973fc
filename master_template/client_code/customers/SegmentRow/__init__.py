from ._anvil_designer import SegmentRowTemplate

from ...shared import formatting, navigation_helpers
from ..segment_texts import TYPE_NAMES


class SegmentRow(SegmentRowTemplate):
    """One segment in the list. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        segment = self.item
        self.path = "/app/segments/" + segment["segment_id"]
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["name"].textContent = segment["segment_name"]
        nodes["about"].textContent = segment["description"] or segment["summary"]
        is_on = segment["is_active"]
        nodes["kind"].textContent = TYPE_NAMES[segment["segment_type"]] if is_on else "Off"
        nodes["kind"].classList.toggle("inactive", not is_on)
        self.show_count(segment["contact_count"])

    def show_count(self, count):
        """How many people there are, None where that is not known yet."""
        is_on = self.item["is_active"]
        text = "–" if count is None or not is_on else formatting.number(count)
        self.dom_nodes["count"].textContent = text

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
