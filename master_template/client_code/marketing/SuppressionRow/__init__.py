from ._anvil_designer import SuppressionRowTemplate

from anvil import handle

from ...shared import formatting, session
from .. import send_texts


class SuppressionRow(SuppressionRowTemplate):
    """One address that gets no marketing. Its button raises `x-lift` of the panel."""

    def __init__(self, **properties):
        self.init_components(**properties)
        one = self.item
        nodes = self.dom_nodes
        nodes["email"].textContent = one["email"] or "Erased address"
        nodes["kind"].textContent = send_texts.KIND_NAMES[one["kind"]]
        nodes["detail"].textContent = one["detail"]
        nodes["when"].textContent = formatting.day(one["recorded_at"])
        self.btn_lift.visible = one["can_be_lifted"] and session.may("marketing.manage")
        self.btn_lift.accessible_name = "Take {} off the list".format(one["email"])

    @handle("btn_lift", "click")
    def btn_lift_click(self, **event_args):
        self.parent.raise_event("x-lift", item=self.item)
