from ._anvil_designer import MailTemplateCardTemplate

from anvil import handle

from ...shared import session


class MailTemplateCard(MailTemplateCardTemplate):
    """One mail of the list; `item` has the `template` as the server says, and `edit(name)`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        template = self.item["template"]
        nodes = self.dom_nodes
        nodes["title"].textContent = template["title"]
        nodes["when"].textContent = template["when"]
        nodes["chip"].hidden = not template["is_changed"]
        self.btn_edit.text = "Edit" if session.may("settings.manage") else "View"
        self.btn_edit.accessible_name = self.btn_edit.text + ": " + template["title"]

    def focus(self):
        """Put the focus on its button."""
        self.btn_edit.dom_nodes["root"].focus()

    @handle("btn_edit", "click")
    def btn_edit_click(self, **event_args):
        self.item["edit"](self.item["template"]["name"])
