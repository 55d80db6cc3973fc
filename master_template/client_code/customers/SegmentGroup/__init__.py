from ._anvil_designer import SegmentGroupTemplate

from anvil import handle

from ..SegmentRule import SegmentRule
from ..segment_texts import MATCH_ITEMS, relative_faults


class SegmentGroup(SegmentGroupTemplate):
    """Rules that have to hold together, in any number or not at all, and in the outermost one
    groups of such. Event `x-change` tells of a change, `x-remove` asks to be taken out."""

    def __init__(self, words, group, may, is_outermost=True, **properties):
        self.words = words
        self.may = may
        self.is_outermost = is_outermost
        self.init_components(**properties)
        self.dom_nodes["root"].classList.toggle("inner", not is_outermost)
        self.dd_match.items = MATCH_ITEMS
        self.dd_match.selected_value = group["match"]
        self.dd_match.enabled = may
        self.btn_rule.visible = may
        self.btn_group.visible = may and is_outermost
        self.btn_remove.visible = may and not is_outermost
        for part in group["rules"] or [None]:
            self._add(part)

    def read(self):
        """The group as the server takes it, as far as it goes."""
        return {
            "match": self.dd_match.selected_value,
            "rules": [part.read() for part in self.slot.get_components()],
        }

    def show_faults(self, faults):
        """Show messages at what they are about; their names as the server gives them."""
        message = faults.get("rules") or faults.get("match") or ""
        self.dom_nodes["fault"].textContent = message
        self.dom_nodes["fault"].hidden = not message
        for number, part in enumerate(self.slot.get_components()):
            part.show_faults(relative_faults(faults, "rules.{}".format(number)))

    def focus(self):
        """Set the focus to the first input."""
        parts = self.slot.get_components()
        if parts:
            parts[0].focus()

    def _add(self, part):
        if part and "rules" in part:
            added = SegmentGroup(self.words, part, self.may, is_outermost=False)
        else:
            added = SegmentRule(self.words, part, self.may)
        added.add_event_handler("x-change", self._part_change)
        added.add_event_handler("x-remove", self._part_remove)
        self.slot.add_component(added)
        return added

    def _part_change(self, **event_args):
        self.dom_nodes["fault"].hidden = True
        self.raise_event("x-change")

    def _part_remove(self, sender, **event_args):
        sender.remove_from_parent()
        if self.btn_rule.visible:
            self.btn_rule.dom_nodes["root"].focus()
        self.raise_event("x-change")

    @handle("dd_match", "change")
    def dd_match_change(self, **event_args):
        self.raise_event("x-change")

    @handle("btn_rule", "click")
    def btn_rule_click(self, **event_args):
        self._add(None).focus()
        self.raise_event("x-change")

    @handle("btn_group", "click")
    def btn_group_click(self, **event_args):
        self._add({"match": "any", "rules": []}).focus()
        self.raise_event("x-change")

    @handle("btn_remove", "click")
    def btn_remove_click(self, **event_args):
        self.raise_event("x-remove")
