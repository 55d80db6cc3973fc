from ._anvil_designer import AccountRowTemplate

from master_template.shared import formatting, navigation_helpers

from .. import billing_texts


class AccountRow(AccountRowTemplate):
    """One tenant in the list of billing. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        account, nodes = self.item, self.dom_nodes
        self.path = "/app/billing/tenants/" + account["instance_name"]
        nodes["row"].href = self.path
        nodes["initials"].textContent = formatting.initials(account["billing_name"])
        nodes["title"].textContent = account["billing_name"]
        nodes["name"].textContent = account["instance_name"]
        state = account["state"]
        nodes["state"].textContent = billing_texts.STATE_NAMES[state]
        if state in billing_texts.STATE_CLASSES:
            nodes["state"].classList.add(billing_texts.STATE_CLASSES[state])
        nodes["plan"].textContent = account["plan_name"] or "–"
        nodes["price"].textContent = (
            billing_texts.price(account["price_cents"], account["currency"], account["interval"])
            or "–"
        )
        nodes["until"].textContent = formatting.day(account["period_end"]) or "–"

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
