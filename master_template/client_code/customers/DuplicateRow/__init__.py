from ._anvil_designer import DuplicateRowTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, navigation_helpers, session

REASONS = {
    "email": "Same e-mail address",
    "phone": "Same telephone number",
    "name": "Same name",
}
MAX_DISMISSED = 20  # As many as the server takes at once.


class DuplicateRow(DuplicateRowTemplate):
    """Some contacts that are likely one person: the oldest, and what may become part of it."""

    def __init__(self, **properties):
        self.init_components(**properties)
        contacts = self.item["contacts"]
        document = window.document
        for reason in self.item["reasons"]:
            chip = document.createElement("span")
            chip.className = "mb-chip"
            chip.textContent = REASONS[reason]
            self.dom_nodes["reasons"].append(chip)
        for contact in contacts:
            line = document.createElement("li")
            path = "/app/contacts/" + contact["contact_id"]
            line.append(_link(contact["full_name"], path, "mb-name"))
            facts = document.createElement("span")
            facts.className = "mb-soft"
            known = [contact["contact_id"], contact["email"], contact["phone"], contact["company"]]
            facts.textContent = " · ".join([fact for fact in known if fact])
            line.append(facts)
            if contact is not contacts[0] and session.may("customers.manage"):
                merge = "/app/contacts/{}/merge/{}".format(
                    contacts[0]["contact_id"], contact["contact_id"]
                )
                text = "Compare with " + contacts[0]["contact_id"]
                line.append(_link(text, merge, "mb-compare"))
            self.dom_nodes["people"].append(line)
        can_manage = session.may("customers.manage")
        self.btn_dismiss.visible = can_manage and len(contacts) <= MAX_DISMISSED

    @handle("btn_dismiss", "click")
    def btn_dismiss_click(self, **event_args):
        self._tell("dismiss_duplicates", True)

    @handle("btn_restore", "click")
    def btn_restore_click(self, **event_args):
        self._tell("restore_duplicates", False)

    def _tell(self, function, are_apart):
        try:
            api.call(function, [contact["contact_id"] for contact in self.item["contacts"]])
        except api.ApiError as error:
            Notification(error.message, title="Not saved", style="danger").show()
            return
        self.dom_nodes["people"].hidden = self.dom_nodes["reasons"].hidden = are_apart
        self.dom_nodes["apart"].hidden = not are_apart
        self.btn_dismiss.visible = not are_apart
        self.btn_restore.visible = are_apart


def _link(text, path, class_name):
    node = window.document.createElement("a")
    node.textContent = text
    node.href = path
    node.className = class_name

    def follow(event):
        navigation_helpers.follow(event, path)

    node.addEventListener("click", follow)
    return node
