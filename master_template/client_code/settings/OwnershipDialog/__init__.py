from ._anvil_designer import OwnershipDialogTemplate

from anvil import handle

from ...shared import api, form_fields

COMPONENTS = {"new_role": "dd_new_role", "password": "txt_password"}


class OwnershipDialog(OwnershipDialogTemplate):
    """In a dialog: the owner hands the business over to `user`, and shows by the password that it
    is the owner who does. Closes with True once that has happened."""

    def __init__(self, user=None, **properties):
        self.user = user
        self.init_components(**properties)
        self.dd_new_role.items = [("Manager", "manager"), ("Admin", "admin")]
        self.dd_new_role.selected_value = "manager"
        form_fields.remember_hints(self, COMPONENTS)
        name = user["name"] or user["email"]
        self.dom_nodes["text"].textContent = (
            "{} will be able to do everything, also to remove you. You cannot take this back "
            "yourself.".format(name)
        )

    @handle("", "show")
    def form_show(self, **event_args):
        self.txt_password.focus()

    @handle("txt_password", "change")
    def txt_password_change(self, **event_args):
        form_fields.clear_error(self.txt_password)

    @handle("dd_new_role", "change")
    def dd_new_role_change(self, **event_args):
        form_fields.clear_error(self.dd_new_role)

    @handle("txt_password", "pressed_enter")
    def txt_password_pressed_enter(self, **event_args):
        self.btn_transfer_click()

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=False)

    @handle("btn_transfer", "click")
    def btn_transfer_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_transfer.enabled = False
        try:
            api.call(
                "transfer_ownership",
                self.user["user_id"],
                self.txt_password.text or "",
                self.dd_new_role.selected_value,
            )
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        finally:
            self.btn_transfer.enabled = True
        self.raise_event("x-close-alert", value=True)
