from ._anvil_designer import StepCardTemplate

from anvil import handle

from ...shared import formatting
from .. import campaign_texts


class StepCard(StepCardTemplate):
    """One mail of a campaign in its order. `item` has `step`, `place`, `count`, `is_chosen`, `may`
    and maybe `figures`; the panel hears `x-choose`, `x-move` and `x-remove`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        item = self.item
        step, place = item["step"], item["place"]
        nodes = self.dom_nodes
        name = "mail {}".format(place + 1)
        nodes["number"].textContent = str(place + 1)
        subject = (step["content"] or {}).get("subject") or "No subject yet"
        nodes["subject"].textContent = subject
        nodes["timing"].textContent = campaign_texts.timing(step, place)
        nodes["main"].setAttribute("aria-pressed", "true" if item["is_chosen"] else "false")
        nodes["root"].classList.toggle("chosen", item["is_chosen"])
        figures = item.get("figures")
        if figures and figures["sent"]:
            nodes["figures"].textContent = "{} sent, {} opened, {} clicked".format(
                formatting.number(figures["sent"]),
                formatting.number(figures["opens"]),
                formatting.number(figures["clicks"]),
            )
        nodes["tools"].hidden = not item["may"]
        self.btn_up.enabled = place > 0
        self.btn_down.enabled = place + 1 < item["count"]
        self.btn_up.tooltip = "Move {} up".format(name)
        self.btn_down.tooltip = "Move {} down".format(name)
        self.btn_remove.tooltip = "Take {} out".format(name)

    def main_click(self, event):
        self.parent.raise_event("x-choose", place=self.item["place"])

    @handle("btn_up", "click")
    def btn_up_click(self, **event_args):
        self.parent.raise_event("x-move", place=self.item["place"], by=-1)

    @handle("btn_down", "click")
    def btn_down_click(self, **event_args):
        self.parent.raise_event("x-move", place=self.item["place"], by=1)

    @handle("btn_remove", "click")
    def btn_remove_click(self, **event_args):
        self.parent.raise_event("x-remove", place=self.item["place"])
