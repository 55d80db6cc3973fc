from ._anvil_designer import PlanDialogTemplate

from anvil import handle

from master_template.shared import api, form_fields, session

from .. import billing_texts

LIMITS = ("contacts", "emails", "storage_mb")
COMPONENTS = {
    "name": "txt_name",
    "description": "txt_description",
    "price_cents": "txt_price",
    "currency": "dd_currency",
    "interval": "dd_interval",
    "trial_days": "txt_trial_days",
    "limits.contacts": "txt_contacts",
    "limits.emails": "txt_emails",
    "limits.storage_mb": "txt_storage_mb",
}
INTERVALS = [("Every month", "month"), ("Every year", "year")]


class PlanDialog(PlanDialogTemplate):
    """In a dialog: a new plan, or another one's fields. Closes with True once it is saved."""

    def __init__(self, plan=None, choices=None, **properties):
        self.plan = plan
        self.init_components(**properties)
        self.dd_currency.items = [(label, code) for code, label, _ in choices["currencies"]]
        self.dd_interval.items = INTERVALS
        self.dom_nodes["hint"].hidden = plan is None
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)
        self._show(plan or {"currency": session.business()["currency"], "interval": "month"})

    @handle("", "show")
    def form_show(self, **event_args):
        self.txt_name.focus()

    def _show(self, plan):
        self.txt_name.text = plan.get("name") or ""
        self.txt_description.text = plan.get("description") or ""
        self.dd_currency.selected_value = plan["currency"]
        self.dd_interval.selected_value = plan["interval"]
        self.txt_price.text = billing_texts.to_typed(plan.get("price_cents"), plan["currency"])
        self.txt_trial_days.text = plan.get("trial_days") or 0
        limits = plan.get("limits") or {}
        for name in LIMITS:
            getattr(self, "txt_" + name).text = limits.get(name)

    def _read(self):
        currency = self.dd_currency.selected_value
        return {
            "name": self.txt_name.text,
            "description": self.txt_description.text,
            "price_cents": billing_texts.to_cents(self.txt_price.text, currency),
            "currency": currency,
            "interval": self.dd_interval.selected_value,
            "trial_days": self.txt_trial_days.text,
            "limits": dict((name, getattr(self, "txt_" + name).text) for name in LIMITS),
        }

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=False)

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        try:
            if self.plan is None:
                api.call("create_plan", self._read())
            else:
                api.call("update_plan", self.plan["code"], self._read(), self.plan["version"])
        except api.ApiError as error:
            fields = dict(
                (name.replace("plan.", "", 1), error.fields[name]) for name in error.fields
            )
            form_fields.show_refusal(self, COMPONENTS, error, fields)
            return
        finally:
            self.btn_save.enabled = True
        self.raise_event("x-close-alert", value=True)
