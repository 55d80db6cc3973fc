from ._anvil_designer import EnrollmentRowTemplate

from anvil import handle

from ...shared import formatting, navigation_helpers, session
from .. import campaign_texts


class EnrollmentRow(EnrollmentRowTemplate):
    """One person in a campaign. Its buttons raise `x-hold` and `x-out` of the panel."""

    def __init__(self, **properties):
        self.init_components(**properties)
        one = self.item
        self.path = "/app/contacts/" + (one["contact_id"] or "")
        nodes = self.dom_nodes
        name = one["contact_name"] or "Erased contact"
        nodes["name"].textContent = name
        if one["contact_id"]:
            nodes["name"].href = self.path
        campaign_texts.show_chip(nodes["status"], one["status"], campaign_texts.ENROLLMENT_STATUS)
        nodes["reason"].textContent = one["exit_reason"]
        is_open = one["status"] in ("active", "paused")
        if one["status"] == "active":
            moment = formatting.day_and_time(one["next_at"])
            nodes["next"].textContent = "Mail {}, {}".format(one["sequence_day"], moment)
        elif is_open:
            nodes["next"].textContent = "Mail {}, held".format(one["sequence_day"])
        nodes["since"].textContent = formatting.day(one["enrolled_at"])
        may = is_open and session.may("marketing.manage")
        self.btn_hold.visible = self.btn_out.visible = may
        is_held = one["status"] == "paused"
        self.btn_hold.icon = "play_arrow" if is_held else "pause"
        self.btn_hold.tooltip = ("Let {} go on" if is_held else "Hold {}").format(name)
        self.btn_out.tooltip = "Take {} out".format(name)

    def name_click(self, event):
        if self.item["contact_id"]:
            navigation_helpers.follow(event, self.path)

    @handle("btn_hold", "click")
    def btn_hold_click(self, **event_args):
        self.parent.raise_event("x-hold", item=self.item)

    @handle("btn_out", "click")
    def btn_out_click(self, **event_args):
        self.parent.raise_event("x-out", item=self.item)
