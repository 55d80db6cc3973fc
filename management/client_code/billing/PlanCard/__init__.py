from ._anvil_designer import PlanCardTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import formatting, session

from .. import billing_texts


class PlanCard(PlanCardTemplate):
    """One plan. `item` has the `plan`, and what to call to `edit` and to `archive` it."""

    def __init__(self, **properties):
        self.init_components(**properties)
        plan, nodes = self.item["plan"], self.dom_nodes
        nodes["name"].textContent = plan["name"]
        nodes["archived"].hidden = plan["status"] == "active"
        nodes["price"].textContent = billing_texts.price(
            plan["price_cents"], plan["currency"], plan["interval"]
        )
        nodes["description"].textContent = plan["description"]
        facts = [("Tenants", formatting.number(plan["subscribers"]))]
        if plan["trial_days"]:
            facts.append(("Trial", formatting.plural(plan["trial_days"], "day", "days")))
        for name in ("contacts", "emails", "storage_mb"):
            value = billing_texts.limit(name, plan["limits"][name])
            facts.append((billing_texts.LIMIT_NAMES[name], value))
        for label, value in facts:
            for tag, text in (("dt", label), ("dd", value)):
                node = window.document.createElement(tag)
                node.textContent = text
                nodes["facts"].append(node)
        may = session.may("billing.manage")
        self.btn_edit.visible = may and plan["status"] == "active"
        self.btn_archive.visible = may
        self.btn_archive.text = "Archive" if plan["status"] == "active" else "Bring back"

    @handle("btn_edit", "click")
    def btn_edit_click(self, **event_args):
        self.item["edit"](self.item["plan"])

    @handle("btn_archive", "click")
    def btn_archive_click(self, **event_args):
        self.item["archive"](self.item["plan"])
