from ._anvil_designer import SuspendDialogTemplate

from anvil import handle

from master_template.shared import api, form_fields

COMPONENTS = {"reason": "txt_reason"}


class SuspendDialog(SuspendDialogTemplate):
    """In a dialog: why the tenant called `name` is suspended. Closes with True once it is."""

    def __init__(self, name="", **properties):
        self.name = name
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)

    @handle("", "show")
    def form_show(self, **event_args):
        self.txt_reason.focus()

    @handle("txt_reason", "change")
    def txt_reason_change(self, **event_args):
        form_fields.clear_error(self.txt_reason)

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=False)

    @handle("btn_suspend", "click")
    def btn_suspend_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_suspend.enabled = False
        try:
            api.call("suspend_tenant", self.name, self.txt_reason.text or "")
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        finally:
            self.btn_suspend.enabled = True
        self.raise_event("x-close-alert", value=True)
