from ._anvil_designer import SecondFactorPanelTemplate

from anvil import Notification, alert, handle

from ...shared import api, formatting, session
from ..RecoveryCodes import RecoveryCodes
from ..SecondFactorOff import SecondFactorOff
from ..SecondFactorSetup import SecondFactorSetup


class SecondFactorPanel(SecondFactorPanelTemplate):
    """The second factor of whoever is logged in: switch it on and off, and renew its recovery
    codes. Raises `x-changed` when it was switched."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self._loaded = False

    @handle("", "show")
    def form_show(self, **event_args):
        if not self._loaded:
            self._loaded = True
            self.load()

    def load(self):
        """Ask how things stand, and show it."""
        try:
            state = api.call_quietly("get_second_factor")
        except api.ApiError as error:
            self.dom_nodes["text"].textContent = error.message
            self.btn_retry.visible = True
            return
        self.btn_retry.visible = False
        is_on = state["is_on"]
        left = state["recovery_left"]
        nodes = self.dom_nodes
        nodes["status"].textContent = "On" if is_on else "Off"
        nodes["status"].classList.toggle("active", is_on)
        nodes["status"].hidden = False
        if is_on:
            text = "Each log-in takes a code of your authenticator app. You have {} left.".format(
                formatting.plural(left, "recovery code", "recovery codes")
            )
        else:
            text = (
                "With a code of an app on your phone as well as your password, nobody gets in who "
                "has only found out the password."
            )
        nodes["text"].textContent = text
        nodes["few"].hidden = not (is_on and left < 3)
        self.btn_on.visible = not is_on
        self.btn_codes.visible = is_on
        self.btn_off.visible = is_on and not state["is_required"]

    @handle("btn_retry", "click")
    def btn_retry_click(self, **event_args):
        self.load()

    @handle("btn_on", "click")
    def btn_on_click(self, **event_args):
        dialog = SecondFactorSetup()
        codes = alert(dialog, title="Switch on the second factor", buttons=[], dismissible=True)
        if codes:
            self._show_codes(codes)
            self._changed("Your second factor is on.")

    @handle("btn_codes", "click")
    def btn_codes_click(self, **event_args):
        dialog = SecondFactorOff(renew=True)
        codes = alert(dialog, title="New recovery codes", buttons=[], dismissible=True)
        if codes:
            self._show_codes(codes)
            self.load()

    @handle("btn_off", "click")
    def btn_off_click(self, **event_args):
        dialog = SecondFactorOff(renew=False)
        if alert(dialog, title="Switch off the second factor", buttons=[], dismissible=True):
            self._changed("Your second factor is off.")

    def _show_codes(self, codes):
        alert(
            RecoveryCodes(codes=codes),
            title="Keep these recovery codes",
            buttons=[("I have kept them", True)],
            dismissible=False,
        )

    def _changed(self, text):
        session.refresh()
        self.load()
        Notification(text, timeout=3).show()
        self.raise_event("x-changed")
