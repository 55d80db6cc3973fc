from ._anvil_designer import TenantDialogTemplate

from anvil import handle

from master_template.shared import api


class TenantDialog(TenantDialogTemplate):
    """In a dialog: which of the tenants without billing details it is. Closes with its name."""

    def __init__(self, **properties):
        self.init_components(**properties)

    @handle("", "show")
    def form_show(self, **event_args):
        self.load()

    def load(self):
        """Read who has no billing details yet."""
        self.state.kind = "loading"
        try:
            tenants = api.call_quietly("list_tenants_without_billing")["tenants"]
        except api.ApiError as error:
            self.state.say("error", "The tenants did not load", error.message, "Try again")
            return
        if not tenants:
            self.state.say(
                "empty", "Nobody is left", "Each tenant that runs has billing details already."
            )
            return
        self.state.kind = "none"
        self.dom_nodes["body"].hidden = False
        self.pick_tenant.items = [
            ("{} ({})".format(one["title"], one["name"]), one["name"]) for one in tenants
        ]
        self.pick_tenant.focus()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    @handle("pick_tenant", "change")
    def pick_tenant_change(self, **event_args):
        self.btn_go.enabled = bool(self.pick_tenant.selected_value)

    @handle("btn_go", "click")
    def btn_go_click(self, **event_args):
        self.raise_event("x-close-alert", value=self.pick_tenant.selected_value)

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=None)
