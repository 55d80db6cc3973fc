from ._anvil_designer import PlanChangeDialogTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import api, form_fields, formatting

from .. import billing_texts

COMPONENTS = {"code": "dd_plan", "charge": "dd_charge"}
CHARGE_ITEMS = [("Now", "now"), ("With the next invoice", "next_invoice")]


class PlanChangeDialog(PlanChangeDialogTemplate):
    """In a dialog: another plan for the tenant called `name`, with what it costs before it is done.
    Closes with True once it is."""

    def __init__(self, name="", subscription=None, **properties):
        self.name = name
        self.subscription = subscription
        self.at = None
        self._asked = 0
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        self.dd_charge.items = CHARGE_ITEMS
        self.dd_charge.selected_value = "now"

    @handle("", "show")
    def form_show(self, **event_args):
        try:
            plans = api.call_quietly("list_plans")["plans"]
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        self.dd_plan.items = [
            (billing_texts.plan_label(plan), plan["code"])
            for plan in plans
            if plan["status"] == "active" and plan["currency"] == self.subscription["currency"]
        ]

    @handle("dd_plan", "change")
    def dd_plan_change(self, **event_args):
        self._preview()

    @handle("dd_charge", "change")
    def dd_charge_change(self, **event_args):
        self._preview()

    def _preview(self):
        """Say what it would cost; an overtaken answer is dropped."""
        self._asked += 1
        asked, nodes = self._asked, self.dom_nodes
        self.at = None
        self.btn_change.enabled = False
        nodes["problem"].hidden = nodes["preview"].hidden = True
        form_fields.show_errors(self, COMPONENTS, {})
        if not self.dd_plan.selected_value:
            return
        try:
            answer = api.call("preview_plan_change", self.name, *self._choice())
        except api.ApiError as error:
            if asked == self._asked:
                form_fields.show_refusal(self, COMPONENTS, error)
            return
        if asked == self._asked:
            self._show(answer)

    def _choice(self):
        return self.dd_plan.selected_value, self.dd_charge.selected_value

    def _show(self, answer):
        self.at, nodes, currency = answer["at"], self.dom_nodes, answer["currency"]
        nodes["lines"].replaceChildren()
        for line in answer["lines"]:
            amount = formatting.money(line["amount_cents"], currency)
            for tag, text in (("dt", line["text"]), ("dd", amount)):
                node = window.document.createElement(tag)
                node.textContent = text
                nodes["lines"].append(node)
        due = formatting.money(answer["due_cents"], currency)
        nodes["total"].textContent = (
            "{} is charged now.".format(due)
            if self.dd_charge.selected_value == "now"
            else "The next invoice will be {}.".format(due)
        )
        nodes["preview"].hidden = False
        self.btn_change.enabled = True

    @handle("btn_change", "click")
    def btn_change_click(self, **event_args):
        self.btn_change.enabled = False
        try:
            api.call("change_plan", self.name, *(self._choice() + (self.at,)))
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            self.btn_change.enabled = True
            return
        self.raise_event("x-close-alert", value=True)

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=False)
