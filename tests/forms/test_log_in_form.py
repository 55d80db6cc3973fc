"""Anvil's own log-in form, which stands on the components."""

from __future__ import annotations

from tests.browser.stub_server import answer
from tests.forms.conftest import OpenForms

USERS = """
startup: {type: form, module: Main}
services:
- source: /runtime/services/anvil/users.yml
  client_config: {allow_signup: true, use_email: true, allow_remember_me: true}
  server_config: {}
"""


def test_logs_in_by_keyboard_alone(open_forms: OpenForms) -> None:
    user = {"email": "ada@example.com"}
    given: list[object] = []

    def log_in(call: dict[str, list[object]]) -> dict[str, object]:
        given.extend(call["args"])
        return answer(None)

    forms = open_forms(
        {
            "Main": (
                "<div></div>",
                """
    @handle("", "show")
    def shown(self, **event_args):
        import anvil.users
        print(anvil.users.login_with_form(allow_cancel=True))
    """,
            )
        },
        {
            "anvil.private.users.get_current_user": lambda call: answer(None),
            "anvil.private.users.get_last_login_email": lambda call: answer(user["email"]),
            "anvil.private.users.login_with_email": log_in,
        },
        yaml=USERS,
    )
    page = forms.page
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_label("Email").input_value() == "ada@example.com"
    page.wait_for_function("document.activeElement.type === 'password'")
    page.keyboard.type("secret")
    page.keyboard.press("Enter")
    forms.printed("None")
    assert given[:2] == ["ada@example.com", "secret"]
    dialog.wait_for(state="detached")
    assert forms.errors == []
