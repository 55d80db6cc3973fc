from ._anvil_designer import SecondFactorSetupTemplate

from anvil import handle

from ...shared import api, form_fields

COMPONENTS = {"password": "txt_password", "code": "txt_code"}


class SecondFactorSetup(SecondFactorSetupTemplate):
    """In a dialog: the password, then a QR code for the authenticator app and its first code.
    Closes with the recovery codes once the factor is on."""

    def __init__(self, **properties):
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)

    @handle("", "show")
    def form_show(self, **event_args):
        self.txt_password.focus()

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    def _fail(self, error):
        form_fields.show_refusal(self, COMPONENTS, error)

    @handle("txt_password", "pressed_enter")
    def txt_password_pressed_enter(self, **event_args):
        self.btn_next_click()

    @handle("txt_code", "pressed_enter")
    def txt_code_pressed_enter(self, **event_args):
        self.btn_enable_click()

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self.raise_event("x-close-alert", value=None)

    @handle("btn_next", "click")
    def btn_next_click(self, **event_args):
        nodes = self.dom_nodes
        nodes["problem"].hidden = True
        self.btn_next.enabled = False
        try:
            answer = api.call("begin_second_factor", self.txt_password.text or "")
        except api.ApiError as error:
            self._fail(error)
            return
        finally:
            self.btn_next.enabled = True
        nodes["picture"].src = answer["picture"]
        secret = answer["secret"]
        nodes["secret"].textContent = " ".join(
            [secret[at : at + 4] for at in range(0, len(secret), 4)]
        )
        nodes["first"].hidden = True
        nodes["second"].hidden = False
        self.btn_next.visible = False
        self.btn_enable.visible = True
        self.txt_code.focus()

    @handle("btn_enable", "click")
    def btn_enable_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_enable.enabled = False
        try:
            answer = api.call("enable_second_factor", self.txt_code.text or "")
        except api.ApiError as error:
            self._fail(error)
            return
        finally:
            self.btn_enable.enabled = True
        self.raise_event("x-close-alert", value=answer["recovery_codes"])
