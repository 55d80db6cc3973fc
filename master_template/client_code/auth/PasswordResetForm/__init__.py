from ._anvil_designer import PasswordResetFormTemplate

from anvil import handle

from ...shared import api, form_fields, navigation_helpers, session


class PasswordResetForm(PasswordResetFormTemplate):
    """Ask for a link to a new password; or, having opened such a link, choose it."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/reset", "New password")
        self.init_components(**properties)
        form_fields.remember_hints(self, {"email": "txt_email", "password": "txt_password"})
        may_choose = bool(session.config().get("may_choose_password"))
        self.dom_nodes["entry"].hidden = may_choose
        self.dom_nodes["choose"].hidden = not may_choose

    @handle("txt_email", "change")
    def txt_email_change(self, **event_args):
        form_fields.clear_error(self.txt_email)

    @handle("txt_password", "change")
    def txt_password_change(self, **event_args):
        form_fields.clear_error(self.txt_password)

    @handle("txt_email", "pressed_enter")
    def txt_email_pressed_enter(self, **event_args):
        self.btn_send_click()

    @handle("txt_password", "pressed_enter")
    def txt_password_pressed_enter(self, **event_args):
        self.btn_choose_click()

    @handle("btn_send", "click")
    def btn_send_click(self, **event_args):
        self.btn_send.enabled = False
        try:
            api.call("request_password_reset", self.txt_email.text or "")
        except api.ApiError as error:
            self.txt_email.error = True
            self.txt_email.supporting_text = error.message
            return
        finally:
            self.btn_send.enabled = True
        self._finish(
            "Look at your e-mail",
            "If {} has an account here, a message with a link is on its way.".format(
                self.txt_email.text
            ),
        )

    @handle("btn_choose", "click")
    def btn_choose_click(self, **event_args):
        self.btn_choose.enabled = False
        try:
            api.call("choose_password", self.txt_password.text or "")
            session.refresh()
        except api.ApiError as error:
            self.txt_password.error = True
            self.txt_password.supporting_text = error.message
            return
        finally:
            self.btn_choose.enabled = True
        if session.user():
            navigation_helpers.navigate_to_dashboard()
        else:
            self._finish("Your password is saved", "You can log in with it now.")

    def _finish(self, title, text):
        nodes = self.dom_nodes
        nodes["done_title"].textContent = title
        nodes["done_text"].textContent = text
        nodes["entry"].hidden = nodes["choose"].hidden = True
        nodes["done"].hidden = False

    def login_click(self, event):
        navigation_helpers.follow(event, "/app/login")
