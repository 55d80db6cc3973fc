from ._anvil_designer import ContactRowTemplate

from ...shared import formatting, navigation_helpers


class ContactRow(ContactRowTemplate):
    """One contact in the list: a row on a wide screen, a card on a phone. Its name is a link as
    large as the row; the box before it chooses the contact (event `x-pick` of the panel)."""

    def __init__(self, **properties):
        self.init_components(**properties)
        contact = self.item
        self.path = "/app/contacts/" + contact["contact_id"]
        nodes = self.dom_nodes
        nodes["name"].href = self.path
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
        nodes["pick"].setAttribute("aria-label", "Choose " + contact["full_name"])
        nodes["pick_cell"].hidden = not contact.get("may_pick")
        self.show_picked(bool(contact.get("is_picked")))

    def show_picked(self, is_picked):
        """Show whether the contact is chosen."""
        self.dom_nodes["pick"].checked = is_picked
        self.dom_nodes["row"].classList.toggle("picked", is_picked)

    def pick_change(self, event):
        is_picked = bool(self.dom_nodes["pick"].checked)
        self.dom_nodes["row"].classList.toggle("picked", is_picked)
        self.parent.raise_event("x-pick", contact_id=self.item["contact_id"], is_picked=is_picked)

    def name_click(self, event):
        navigation_helpers.follow(event, self.path)
