from ._anvil_designer import LoginFormTemplate

from anvil import handle

from ...shared import api, form_fields, navigation_helpers, session

COMPONENTS = {"email": "txt_email", "password": "txt_password"}


class LoginForm(LoginFormTemplate):
    """Log in with e-mail address and password, then go on to where one wanted to go."""

    def __init__(self, next_path=None, **properties):
        self.next_path = next_path
        if not next_path:
            navigation_helpers.arrive("/app/login", "Log in")
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        self.dom_nodes["signup"].hidden = session.config()["is_closed"]

    @handle("", "show")
    def form_show(self, **event_args):
        if session.user():
            navigation_helpers.navigate_to_dashboard()
        else:
            self.txt_email.focus()

    @handle("txt_email", "change")
    def txt_email_change(self, **event_args):
        form_fields.clear_error(self.txt_email)

    @handle("txt_password", "change")
    def txt_password_change(self, **event_args):
        form_fields.clear_error(self.txt_password)

    @handle("txt_email", "pressed_enter")
    def txt_email_pressed_enter(self, **event_args):
        self.txt_password.focus()

    @handle("txt_password", "pressed_enter")
    def txt_password_pressed_enter(self, **event_args):
        self.btn_log_in_click()

    @handle("btn_log_in", "click")
    def btn_log_in_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_log_in.enabled = False
        try:
            api.call(
                "log_in",
                self.txt_email.text or "",
                self.txt_password.text or "",
                remember=bool(self.cb_remember.checked),
            )
            session.refresh()
        except api.ApiError as error:
            if error.code == "second_factor":
                self._ask_for_code()
                return
            form_fields.show_refusal(self, COMPONENTS, error)
            return
        finally:
            self.btn_log_in.enabled = True
        self._enter()

    def _enter(self):
        """Go on as whoever has just logged in."""
        if self.next_path:
            navigation_helpers.go(self.next_path, replace=True)
        else:
            navigation_helpers.navigate_to_dashboard()

    def _ask_for_code(self):
        """The second step: the password was right, and a code is owed."""
        self.txt_password.text = ""
        self.dom_nodes["first"].hidden = True
        self.dom_nodes["second"].hidden = False
        self.txt_code.focus()

    @handle("txt_code", "change")
    def txt_code_change(self, **event_args):
        form_fields.clear_error(self.txt_code)

    @handle("txt_code", "pressed_enter")
    def txt_code_pressed_enter(self, **event_args):
        self.btn_confirm_click()

    @handle("btn_confirm", "click")
    def btn_confirm_click(self, **event_args):
        nodes = self.dom_nodes
        nodes["code_problem"].hidden = True
        self.btn_confirm.enabled = False
        try:
            api.call("confirm_second_factor", self.txt_code.text or "")
            session.refresh()
        except api.ApiError as error:
            if error.code == "log_in_again":
                self._begin_again(error.message)
                return
            left = form_fields.show_errors(self, {"code": "txt_code"}, error.fields)
            if left or not error.fields:
                nodes["code_problem_text"].textContent = " ".join(left) or error.message
                nodes["code_problem"].hidden = False
            return
        finally:
            self.btn_confirm.enabled = True
        self._enter()

    def _begin_again(self, message=""):
        nodes = self.dom_nodes
        self.txt_code.text = ""
        nodes["problem_text"].textContent = message
        nodes["problem"].hidden = not message
        nodes["second"].hidden = True
        nodes["first"].hidden = False
        self.txt_password.focus()

    def back_click(self, event):
        event.preventDefault()
        self._begin_again()

    def reset_click(self, event):
        navigation_helpers.follow(event, "/app/reset")

    def signup_click(self, event):
        navigation_helpers.follow(event, "/app/signup")
