from ._anvil_designer import TenantBillingFormTemplate

from anvil import Notification, alert, handle

from master_template.shared import api, navigation_helpers, session
from master_template.shared.components.ConfirmationDialog import ask, confirm

from .. import tenant_texts
from ..AccountDialog import AccountDialog
from ..LinkDialog import LinkDialog
from ..PlanChangeDialog import PlanChangeDialog
from ..SuspendDialog import SuspendDialog

PATH = "/app/billing"


class TenantBillingForm(TenantBillingFormTemplate):
    """What one tenant pays: subscription, use of it, details, invoices, and suspension."""

    def __init__(self, instance_name="", **properties):
        self.name = instance_name
        navigation_helpers.arrive(PATH + "/tenants/" + instance_name, "Billing of " + instance_name)
        self._started = False
        self.answer = None
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "billing")
        self.dom_nodes["title"].textContent = instance_name

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.state.kind = "loading"
        self.load()

    def load(self):
        """Read all of it and show it."""
        try:
            self.answer = api.call_quietly("get_billing_account", self.name)
        except api.ApiError as error:
            self.dom_nodes["body"].hidden = True
            self._show_missing(error)
            return
        if not navigation_helpers.is_open(self):
            return
        self.state.kind = "none"
        self.dom_nodes["body"].hidden = False
        self._show()

    def _show_missing(self, error):
        if error.code != "not_found":
            self.state.say("error", "The billing did not load", error.message, "Try again")
            return
        self.state.say(
            "empty",
            "Not billed yet",
            "Say who pays for this tenant; then send them the link to subscribe.",
            "Enter billing details" if session.may("billing.manage") else "",
        )

    @handle("state", "action")
    def state_action(self, **event_args):
        if self.state.kind == "error":
            self.state.kind = "loading"
            self.load()
        else:
            self._edit(None)

    def _show(self):
        tenant_texts.show(self.dom_nodes, self.answer)
        account, subscription = self.answer["account"], self.answer["subscription"]
        is_live = bool(subscription and subscription["is_live"])
        may = session.may("billing.manage")
        suspended = account["access"] == "suspended"
        self.btn_resume.visible = may and suspended
        self.btn_suspend.visible = may and not suspended
        self.btn_edit.visible = may
        self.btn_subscribe.visible = may and not is_live
        self.btn_plan.visible = self.btn_cancel.visible = may and is_live
        self.btn_keep.visible = may and is_live and bool(subscription["cancel_at"])
        self.btn_portal.visible = may and account["is_at_stripe"]
        invoices = self.answer["invoices"]
        self.rp_invoices.items = invoices
        self.dom_nodes["more"].hidden = not self.answer["has_more_invoices"]
        self.dom_nodes["more"].href = self._more_path()
        if invoices:
            self.invoice_state.kind = "none"
        else:
            self.invoice_state.say(
                "empty", "No invoices yet", "The first one comes with the first payment."
            )

    def _more_path(self):
        return navigation_helpers.with_query(PATH + "/invoices", {"search": self.name})

    def _do(self, function, *args):
        """Call the server, say what it refused, and show how things are now."""
        try:
            api.call(function, self.name, *args)
        except api.ApiError as error:
            Notification(error.message, style="danger", timeout=8).show()
            return
        Notification("Done.", timeout=2).show()
        self.load()

    def _edit(self, account):
        dialog = AccountDialog(name=self.name, account=account)
        if alert(dialog, title="Billing details", buttons=[], dismissible=False, large=True):
            self.load()

    @handle("btn_edit", "click")
    def btn_edit_click(self, **event_args):
        self._edit(self.answer["account"])

    @handle("btn_subscribe", "click")
    def btn_subscribe_click(self, **event_args):
        dialog = LinkDialog(name=self.name, account=self.answer["account"])
        alert(dialog, title="Link to subscribe", buttons=[], dismissible=False)

    @handle("btn_portal", "click")
    def btn_portal_click(self, **event_args):
        dialog = LinkDialog(name=self.name, account=self.answer["account"], is_portal=True)
        alert(dialog, title="Link to card and invoices", buttons=[], dismissible=False)

    @handle("btn_plan", "click")
    def btn_plan_click(self, **event_args):
        dialog = PlanChangeDialog(name=self.name, subscription=self.answer["subscription"])
        if alert(dialog, title="Change plan", buttons=[], dismissible=False):
            self.load()

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        answer = ask(
            "End the subscription?",
            "It can run until the end of what is paid for, or end now. Nothing is refunded.",
            [
                ("End it now", "now", "danger"),
                ("End with the period", "period_end"),
                ("Keep it", None),
            ],
        )
        if answer:
            self._do("cancel_subscription", answer)

    @handle("btn_keep", "click")
    def btn_keep_click(self, **event_args):
        self._do("keep_subscription")

    @handle("btn_suspend", "click")
    def btn_suspend_click(self, **event_args):
        dialog = SuspendDialog(name=self.name)
        if alert(dialog, title="Suspend this tenant", buttons=[], dismissible=False):
            self.load()

    @handle("btn_resume", "click")
    def btn_resume_click(self, **event_args):
        if confirm(
            "Resume this tenant?",
            "Their app is switched on again within minutes, paid or not.",
            "Resume",
            detail="If something is still owed, the reminders begin anew.",
        ):
            self._do("resume_tenant")

    def back_click(self, event):
        navigation_helpers.follow(event, PATH)

    def more_click(self, event):
        navigation_helpers.follow(event, self._more_path())
