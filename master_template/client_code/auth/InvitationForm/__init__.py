from ._anvil_designer import InvitationFormTemplate

from anvil import handle

from ...shared import api, form_fields, formatting, navigation_helpers, session

COMPONENTS = {
    "first_name": "txt_first_name",
    "last_name": "txt_last_name",
    "password": "txt_password",
}


class InvitationForm(InvitationFormTemplate):
    """Whoever opened the link of an invitation says who they are, chooses a password, and is in."""

    def __init__(self, token=None, **properties):
        self.token = token
        self.email = ""
        self._started = False
        navigation_helpers.arrive("/app/invitation/" + token, "Your invitation")
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)

    @handle("", "show")
    def form_show(self, **event_args):
        if not self._started:
            self._started = True
            self.load()

    def load(self):
        """Ask what the link stands for."""
        self.state.kind = "loading"
        try:
            invitation = api.call_quietly("get_invitation", self.token)
        except api.ApiError as error:
            is_over = error.code in ("invitation_unusable", "invitation_expired")
            heading = "This link does not work" if is_over else "The invitation did not load"
            action = "To the log-in" if is_over else "Try again"
            self.state.say("empty" if is_over else "error", heading, error.message, action)
            return
        self.state.kind = "none"
        self.email = invitation["email"]
        nodes = self.dom_nodes
        nodes["text"].textContent = self._welcome(invitation)
        if invitation["role"] == "owner":
            self.btn_accept.text = "Open the business"
        nodes["email"].textContent = invitation["email"]
        self.txt_first_name.text = invitation["first_name"]
        self.txt_last_name.text = invitation["last_name"]
        nodes["entry"].hidden = False
        self.txt_first_name.focus()

    def _welcome(self, invitation):
        if invitation["role"] == "owner":
            return "{} is yours. Choose the password that you will log in with.".format(
                invitation["business_name"]
            )
        return "{} invites you to work with {} as {}.".format(
            invitation["inviter_name"],
            invitation["business_name"],
            formatting.ROLE_NAMES[invitation["role"]].lower(),
        )

    @handle("state", "action")
    def state_action(self, **event_args):
        if self.state.kind == "error":
            self.load()
        else:
            navigation_helpers.go("/app/login")

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    @handle("txt_password", "pressed_enter")
    def txt_password_pressed_enter(self, **event_args):
        self.btn_accept_click()

    @handle("btn_accept", "click")
    def btn_accept_click(self, **event_args):
        nodes = self.dom_nodes
        nodes["problem"].hidden = True
        self.btn_accept.enabled = False
        password = self.txt_password.text or ""
        try:
            api.call(
                "accept_invitation",
                self.token,
                self.txt_first_name.text or "",
                self.txt_last_name.text or "",
                password,
            )
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        finally:
            self.btn_accept.enabled = True
        self._enter(password)

    def _enter(self, password):
        """Log in with what has just been chosen; where that takes more, the log-in form asks."""
        try:
            api.call("log_in", self.email, password)
            session.refresh()
        except api.ApiError:
            navigation_helpers.go("/app/login", replace=True)
            return
        navigation_helpers.navigate_to_dashboard()
