from ._anvil_designer import AccountDialogTemplate

from anvil import handle

from master_template.shared import api, form_fields

TEXTS = ("billing_name", "billing_email", "street", "postal_code", "city", "tax_id")
COMPONENTS = dict((name, "txt_" + name) for name in TEXTS)
COMPONENTS["country"] = "pick_country"


class AccountDialog(AccountDialogTemplate):
    """In a dialog: who pays for the tenant called `name`. `account` is what there is, or None.
    Closes with True once it is saved."""

    def __init__(self, name="", account=None, **properties):
        self.name = name
        self.account = account
        self.init_components(**properties)
        self.sw_is_exempt.accessible_name = "Free of charge"
        form_fields.remember_hints(self, COMPONENTS)
        for component in COMPONENTS.values():
            getattr(self, component).add_event_handler("change", self._field_change)
        given = account or {}
        for field in TEXTS:
            getattr(self, "txt_" + field).text = given.get(field) or ""
        self.sw_is_exempt.selected = bool(given.get("is_exempt"))

    @handle("", "show")
    def form_show(self, **event_args):
        try:
            choices = api.call_quietly("get_billing_choices")
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        self.pick_country.items = [(label, code) for code, label, _ in choices["countries"]]
        self.pick_country.selected_value = (self.account or choices)["country"]
        self.txt_billing_name.focus()

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    def _read(self):
        fields = dict((field, getattr(self, "txt_" + field).text or "") for field in TEXTS)
        fields["country"] = self.pick_country.selected_value
        fields["is_exempt"] = bool(self.sw_is_exempt.selected)
        return fields

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=False)

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        try:
            if self.account is None:
                api.call("create_billing_account", self.name, self._read())
            else:
                version = self.account["version"]
                api.call("update_billing_account", self.name, self._read(), version)
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        finally:
            self.btn_save.enabled = True
        self.raise_event("x-close-alert", value=True)
