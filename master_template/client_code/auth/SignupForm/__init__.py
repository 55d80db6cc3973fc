from ._anvil_designer import SignupFormTemplate

from anvil import handle

from ...shared import api, form_fields, navigation_helpers, session

COMPONENTS = {
    "first_name": "txt_first_name",
    "last_name": "txt_last_name",
    "email": "txt_email",
    "password": "txt_password",
}


class SignupForm(SignupFormTemplate):
    """A customer makes an account; it opens once the e-mail address is confirmed."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/signup", "Create your account")
        # The versions of the texts that were there to be read when the form opened.
        self.versions = None
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)

    @handle("", "show")
    def form_show(self, **event_args):
        self.txt_first_name.focus()
        self._read_versions()

    def _read_versions(self):
        try:
            self.versions = api.call_quietly("get_agreement_texts")["versions"]
        except api.ApiError:
            # Asked again when the account is to be made; what is wrong is said then.
            self.versions = None

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    @handle("cb_agree", "change")
    def cb_agree_change(self, **event_args):
        self._say_at_agreement("")

    @handle("txt_password", "pressed_enter")
    def txt_password_pressed_enter(self, **event_args):
        self.btn_sign_up_click()

    @handle("btn_sign_up", "click")
    def btn_sign_up_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_sign_up.enabled = False
        try:
            answer = self._sign_up()
        except api.ApiError as error:
            self._show_refusal(error)
            return
        finally:
            self.btn_sign_up.enabled = True
        if not answer["confirm"]:
            session.refresh()
            navigation_helpers.navigate_to_dashboard()
            return
        self.dom_nodes[
            "done_text"
        ].textContent = "We have sent a message to {}. Open the link in it, then log in.".format(
            self.txt_email.text
        )
        self.dom_nodes["entry"].hidden = True
        self.dom_nodes["done"].hidden = False

    def _sign_up(self):
        if self.versions is None:
            self.versions = api.call("get_agreement_texts")["versions"]
        return api.call(
            "sign_up",
            first_name=self.txt_first_name.text or "",
            last_name=self.txt_last_name.text or "",
            email=self.txt_email.text or "",
            password=self.txt_password.text or "",
            agreed=self.versions if self.cb_agree.checked else None,
            marketing=bool(self.cb_marketing.checked),
        )

    def _show_refusal(self, error):
        fields = dict(error.fields)
        at_agreement = fields.pop("agreed", "")
        self._say_at_agreement(at_agreement)
        if at_agreement and self.cb_agree.checked:
            # A text has changed meanwhile: it has to be read and agreed to anew.
            self.cb_agree.checked = False
            self._read_versions()
        left = form_fields.show_errors(self, COMPONENTS, fields)
        if at_agreement and not fields:
            self.cb_agree.focus()
        if left or not error.fields:
            self.dom_nodes["problem_text"].textContent = " ".join(left) or error.message
            self.dom_nodes["problem"].hidden = False

    def _say_at_agreement(self, message):
        self.cb_agree.error = bool(message)
        self.dom_nodes["agree_problem"].textContent = message

    def login_click(self, event):
        navigation_helpers.follow(event, "/app/login")
