from ._anvil_designer import ContactRowTemplate

from ...shared import formatting, navigation_helpers


class ContactRow(ContactRowTemplate):
    """One contact in the list: a row on a wide screen, a card on a phone. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        contact = self.item
        self.path = "/app/contacts/" + contact["contact_id"]
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["initials"].textContent = formatting.initials(contact["full_name"])
        nodes["name"].textContent = contact["full_name"]
        parts = [part for part in (contact["contact_id"], contact["company"]) if part]
        nodes["company"].textContent = " · ".join(parts)
        nodes["email"].textContent = contact["email"] or ""
        nodes["phone"].textContent = contact["phone"] or ""
        status = "deleted" if contact["deleted_at"] else contact["status"]
        nodes["status"].textContent = formatting.STATUS_NAMES.get(status, "Deleted")
        nodes["status"].classList.add(status)
        stage = contact["lifecycle_stage"]
        nodes["stage"].textContent = formatting.LIFECYCLE_NAMES.get(stage, "")
        nodes["when"].textContent = formatting.ago(contact["last_contact_date"])
        cents = contact["total_spent_cents"]
        nodes["spent"].textContent = formatting.money(cents, contact["currency"]) if cents else ""

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
