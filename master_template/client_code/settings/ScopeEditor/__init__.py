from ._anvil_designer import ScopeEditorTemplate

from anvil import handle

from ...shared import api, form_fields

# Field of the server -> component. A scope's faults come with and without its name before them.
TEXTS = {
    "locations": "txt_locations",
    "customer_tags": "txt_tags",
    "customers": "txt_customers",
}
ALL, PART = "all", "part"


def _words(text):
    """What stands between the commas."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


class ScopeEditor(ScopeEditorTemplate):
    """In a dialog: whether `user` sees the whole business or a part of it, and which; `colleagues`
    are users of `list_users`. Closes with True once the server has taken it."""

    def __init__(self, user=None, colleagues=None, **properties):
        self.user = user
        scope = user["scope"] or {}
        self.staff = set(scope.get("staff") or [])
        self.init_components(**properties)
        form_fields.remember_hints(self, TEXTS)
        for name in TEXTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)
        self.rg_sees.selected_value = PART if user["scope"] else ALL
        self.txt_locations.text = ", ".join(scope.get("locations") or [])
        self.txt_tags.text = ", ".join(scope.get("customer_tags") or [])
        self.txt_customers.text = ", ".join(
            ["C-{}".format(number) for number in scope.get("customers") or []]
        )
        self.rp_staff.items = [
            {
                "user_id": one["user_id"],
                "name": one["name"] or one["email"],
                "on": one["user_id"] in self.staff,
                "changed": self._staff_changed,
            }
            for one in colleagues or []
            if one["user_id"] != user["user_id"] and one["role"] != "owner"
        ]
        self._draw()

    def _draw(self):
        self.dom_nodes["part"].hidden = self.rg_sees.selected_value != PART

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    def _staff_changed(self, user_id, is_on):
        if is_on:
            self.staff.add(user_id)
        else:
            self.staff.discard(user_id)

    @handle("rg_sees", "change")
    def rg_sees_change(self, **event_args):
        self._draw()

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=None)

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        scope = {"can_manage_all": True}
        if self.rg_sees.selected_value == PART:
            scope = {
                "can_manage_all": False,
                "locations": _words(self.txt_locations.text),
                "customer_tags": _words(self.txt_tags.text),
                "customers": _words(self.txt_customers.text),
                "staff": sorted(self.staff),
            }
        try:
            api.call("change_user_scope", self.user["user_id"], scope, self.user["version"])
        except api.ApiError as error:
            fields = dict((name.split(".")[-1], error.fields[name]) for name in error.fields)
            form_fields.show_refusal(self, TEXTS, error, fields)
            return
        finally:
            self.btn_save.enabled = True
        self.raise_event("x-close-alert", value=True)
