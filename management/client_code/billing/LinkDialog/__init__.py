from ._anvil_designer import LinkDialogTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import api, form_fields, formatting

from .. import billing_texts

COMPONENTS = {"code": "dd_plan"}


class LinkDialog(LinkDialogTemplate):
    """In a dialog: a link for the tenant, to subscribe to a plan or (`is_portal`) to change the
    card."""

    def __init__(self, name="", account=None, is_portal=False, **properties):
        self.name = name
        self.is_portal = is_portal
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        self.cb_mail.text = "Send it to {}".format(account["billing_email"])
        self.dom_nodes["choice"].hidden = is_portal

    @handle("", "show")
    def form_show(self, **event_args):
        if self.is_portal:
            self._make("create_portal_link", self.name)
            return
        try:
            plans = api.call_quietly("list_plans")["plans"]
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        self.dd_plan.items = [
            (billing_texts.plan_label(plan), plan["code"])
            for plan in plans
            if plan["status"] == "active"
        ]
        if not self.dd_plan.items:
            self.dom_nodes["problem_text"].textContent = "There is no plan yet. Make one first."
            self.dom_nodes["problem"].hidden = False
            self.btn_make.enabled = False

    @handle("btn_make", "click")
    def btn_make_click(self, **event_args):
        is_mailed = bool(self.cb_mail.checked)
        self._make("create_checkout_link", self.name, self.dd_plan.selected_value, is_mailed)

    def _make(self, function, *args):
        nodes = self.dom_nodes
        nodes["problem"].hidden = True
        self.btn_make.enabled = False
        try:
            answer = api.call(function, *args)
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        finally:
            self.btn_make.enabled = True
        nodes["choice"].hidden = True
        self.btn_make.visible = False
        nodes["link"].value = answer["link"]
        nodes["result_text"].textContent = "The link works until {}. {}".format(
            formatting.day(answer["expires_at"]),
            "It is on its way by e-mail, too."
            if not self.is_portal and self.cb_mail.checked
            else "It is shown only here.",
        )
        nodes["result"].hidden = False
        nodes["link"].select()

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        window.navigator.clipboard.writeText(self.dom_nodes["link"].value)
        self.dom_nodes["copied"].textContent = "Copied."

    @handle("btn_close", "click")
    def btn_close_click(self, **event_args):
        self.raise_event("x-close-alert", value=None)
