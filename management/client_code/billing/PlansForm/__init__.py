from ._anvil_designer import PlansFormTemplate

from anvil import Notification, alert, handle

from master_template.shared import api, formatting, navigation_helpers, session
from master_template.shared.components.ConfirmationDialog import confirm

from ..PlanDialog import PlanDialog

PATH = "/app/billing/plans"


class PlansForm(PlansFormTemplate):
    """The plans, and changing them."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Plans")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "billing")
        self.btn_new.visible = session.may("billing.manage")

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.state.kind = "loading"
        self.load()

    def load(self):
        """Read the plans and show them."""
        try:
            plans = api.call_quietly("list_plans")["plans"]
        except api.ApiError as error:
            self.state.say("error", "The plans did not load", error.message, "Try again")
            return
        self.rp_plans.items = [
            {"plan": plan, "edit": self._edit, "archive": self._archive} for plan in plans
        ]
        if plans:
            self.state.kind = "none"
            return
        self.state.say(
            "empty",
            "No plans yet",
            "A plan has a name, a price and what it includes. Tenants subscribe to one by a link "
            "that you send them.",
            "New plan" if session.may("billing.manage") else "",
        )

    @handle("state", "action")
    def state_action(self, **event_args):
        if self.state.kind == "error":
            self.state.kind = "loading"
            self.load()
        else:
            self._edit(None)

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        self._edit(None)

    def _edit(self, plan):
        title = "Change {}".format(plan["name"]) if plan else "New plan"
        try:
            choices = api.call("get_billing_choices")
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        dialog = PlanDialog(plan=plan, choices=choices)
        if alert(dialog, title=title, buttons=[], dismissible=False, large=True):
            Notification("Saved.", timeout=2).show()
            self.load()

    def _archive(self, plan):
        is_active = plan["status"] == "active"
        if is_active and not confirm(
            "Archive {}?".format(plan["name"]),
            "Nobody can subscribe to it any more.",
            "Archive",
            detail="{} on it stay as they are.".format(
                formatting.plural(plan["subscribers"], "tenant", "tenants")
            ),
        ):
            return
        status = "archived" if is_active else "active"
        try:
            api.call("set_plan_status", plan["code"], status, plan["version"])
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
        self.load()
