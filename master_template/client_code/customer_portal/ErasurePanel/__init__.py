from ._anvil_designer import ErasurePanelTemplate

from anvil import handle, open_form
from anvil.js import window

from ...shared import api, form_fields, formatting, session
from ...shared.components.ConfirmationDialog import confirm_word

COMPONENTS = {"password": "txt_password"}
# A table's rows as a customer calls them: one, many.
NAMES = {
    "users": ("log-in", "log-ins"),
    "contacts": ("set of contact details", "sets of contact details"),
    "contact_events": ("entry of your history with us", "entries of your history with us"),
    "consents": ("note of what you agreed to", "notes of what you agreed to"),
    "audit_log": ("note of who changed what", "notes of who changed what"),
    "bookings": ("booking", "bookings"),
    "payments": ("payment", "payments"),
    "tasks": ("note to ourselves", "notes to ourselves"),
    "email_log": ("note of a message to you", "notes of messages to you"),
    "outbox": ("message on its way to you", "messages on their way to you"),
    "invitations": ("invitation", "invitations"),
}
WHY_MONEY = (
    "Tax law makes us keep what was paid: amounts and dates, without your name, for as long as "
    "it says."
)
WHY_RECORDS = (
    "That something was agreed to or changed stays on record. It no longer says by whom, or what."
)


class ErasurePanel(ErasurePanelTemplate):
    """A customer has their account erased, after reading what goes and what stays."""

    def __init__(self, **properties):
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        self.txt_password.add_event_handler("change", self._password_change)

    def load(self):
        """Read what erasing would do, and say it."""
        self.dom_nodes["body"].hidden = True
        self.state.say("loading")
        try:
            preview = api.call_quietly("preview_my_erasure")
        except api.ApiError as error:
            self.state.say("error", "This did not load", error.message, "Try again")
            return
        self.state.say("none")
        self._list("goes", preview["goes"])
        self._list("stays", preview["stays"])
        why = [WHY_MONEY] if preview["kept_for_tax"] else []
        self.dom_nodes["why"].textContent = " ".join(why + [WHY_RECORDS])
        self.dom_nodes["stays_box"].hidden = not preview["stays"]
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _list(self, name, counts):
        node = self.dom_nodes[name]
        node.replaceChildren()
        known = [table for table in NAMES if table in counts]
        for table in known + sorted(set(counts) - set(known)):
            words = table.replace("_", " ")
            line = window.document.createElement("li")
            line.textContent = formatting.plural(counts[table], *NAMES.get(table, (words, words)))
            node.appendChild(line)

    def _password_change(self, **event_args):
        form_fields.clear_error(self.txt_password)

    @handle("txt_password", "pressed_enter")
    def txt_password_pressed_enter(self, **event_args):
        self.btn_erase_click()

    @handle("btn_erase", "click")
    def btn_erase_click(self, **event_args):
        if not self.txt_password.text:
            message = "Please type your password, so that we know it is you."
            form_fields.show_errors(self, COMPONENTS, {"password": message})
            return
        if not confirm_word(
            "Erase your account?",
            "You are logged out everywhere, and cannot log in any more.",
            "Erase for good",
            "erase",
            "Nobody can undo this, we cannot either.",
        ):
            return
        self._erase()

    def _erase(self):
        self.btn_erase.enabled = False
        try:
            answer = api.call("erase_my_account", self.txt_password.text)
        except api.ApiError as error:
            fields = error.fields or {"password": error.message}
            form_fields.show_errors(self, COMPONENTS, fields)
            return
        finally:
            self.btn_erase.enabled = True
        self.txt_password.text = ""
        session.refresh()
        open_form("master_template.customer_portal.ErasedForm", kept_for_tax=answer["kept_for_tax"])
