from ._anvil_designer import SaveViewDialogTemplate

from anvil import alert, handle

from ...shared import api, form_fields, session

COMPONENTS = {"view_name": "txt_name"}


class SaveViewDialog(SaveViewDialogTemplate):
    """Asks for the name of a view, and for whom it is."""

    def __init__(self, view=None, **properties):
        self.init_components(**properties)
        view = view or {"view_name": "", "is_shared": False, "is_default": False}
        self.txt_name.text = view["view_name"]
        self.cb_shared.checked = view["is_shared"]
        self.cb_default.checked = view["is_default"]
        self.cb_shared.visible = session.may("customers.manage")

    @handle("txt_name", "change")
    def txt_name_change(self, **event_args):
        form_fields.clear_error(self.txt_name)

    @handle("txt_name", "pressed_enter")
    def txt_name_pressed_enter(self, **event_args):
        self.raise_event("x-close-alert", value=True)


def save_view(query, view=None):
    """Ask how a view is to be called and save it; give it as the server does, None for Cancel. With
    `view` that one is changed."""
    dialog = SaveViewDialog(view=view)
    title = "Save this view" if view is None else "Change the view"
    while True:
        buttons = [("Cancel", False), ("Save", True)]
        if alert(dialog, title=title, buttons=buttons, dismissible=True) is not True:
            return None
        try:
            return api.call(
                "save_view",
                dialog.txt_name.text or "",
                query,
                is_shared=bool(dialog.cb_shared.checked),
                is_default=bool(dialog.cb_default.checked),
                view_id=view["view_id"] if view else None,
            )["view"]
        except api.ApiError as error:
            dialog.txt_name.error = True
            dialog.txt_name.supporting_text = error.message
