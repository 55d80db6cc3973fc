from ._anvil_designer import SecondFactorOffTemplate

from anvil import handle

from ...shared import api, form_fields

COMPONENTS = {"password": "txt_password", "code": "txt_code"}


class SecondFactorOff(SecondFactorOffTemplate):
    """In a dialog: password and code, to switch the second factor off; or with `renew` the password
    alone, for new recovery codes. Closes with True, or with the codes."""

    def __init__(self, renew=False, **properties):
        self.renew = renew
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)
        self.txt_code.visible = not renew
        self.btn_go.text = "Make new codes" if renew else "Switch off"
        self.dom_nodes["text"].textContent = (
            "The recovery codes that you have so far stop working."
            if renew
            else "From then on your password alone opens your account."
        )

    @handle("", "show")
    def form_show(self, **event_args):
        self.txt_password.focus()

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    @handle("txt_password", "pressed_enter")
    def txt_password_pressed_enter(self, **event_args):
        if self.renew:
            self.btn_go_click()
        else:
            self.txt_code.focus()

    @handle("txt_code", "pressed_enter")
    def txt_code_pressed_enter(self, **event_args):
        self.btn_go_click()

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=None)

    @handle("btn_go", "click")
    def btn_go_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_go.enabled = False
        password = self.txt_password.text or ""
        try:
            if self.renew:
                done = api.call("renew_recovery_codes", password)["recovery_codes"]
            else:
                api.call("disable_second_factor", password, self.txt_code.text or "")
                done = True
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        finally:
            self.btn_go.enabled = True
        self.raise_event("x-close-alert", value=done)
