from ._anvil_designer import PasswordPanelTemplate

from anvil import handle

from ... import api, form_fields

COMPONENTS = {"old_password": "txt_old", "new_password": "txt_new"}


class PasswordPanel(PasswordPanelTemplate):
    """Whoever is logged in gives their account another password."""

    def __init__(self, **properties):
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)
        self.dom_nodes["message"].textContent = ""

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        message = self.dom_nodes["message"]
        self.btn_save.enabled = False
        try:
            api.call("change_password", self.txt_old.text or "", self.txt_new.text or "")
        except api.ApiError as error:
            left = form_fields.show_errors(self, COMPONENTS, error.fields)
            message.textContent = "" if error.fields and not left else error.message
            return
        finally:
            self.btn_save.enabled = True
        self.txt_old.text = self.txt_new.text = ""
        message.textContent = "Your new password is saved."
