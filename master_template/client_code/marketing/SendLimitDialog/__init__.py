from ._anvil_designer import SendLimitDialogTemplate

from anvil import alert, handle

from ...shared import api, form_fields, formatting


class SendLimitDialog(SendLimitDialogTemplate):
    """Asks how many marketing mails may go out in an hour."""

    def __init__(self, status, **properties):
        self.init_components(**properties)
        self.dom_nodes["text"].textContent = (
            "So that mail providers do not take you for a sender of spam, marketing mails go out "
            "slowly. Confirmations and the like do not count, and go first."
        )
        self.txt_limit.text = str(status["hourly_limit"])
        self.txt_limit.supporting_text = "At most {}; 0 lets none go out".format(
            formatting.number(status["ceiling"])
        )

    @handle("txt_limit", "change")
    def txt_limit_change(self, **event_args):
        form_fields.clear_error(self.txt_limit)

    @handle("txt_limit", "pressed_enter")
    def txt_limit_pressed_enter(self, **event_args):
        self.raise_event("x-close-alert", value=True)


def change_limit(status):
    """Ask for the limit of an hour and save it; give whether it is saved."""
    dialog = SendLimitDialog(status)
    while True:
        buttons = [("Cancel", False), ("Save", True)]
        if (
            alert(dialog, title="How fast mails go out", buttons=buttons, dismissible=True)
            is not True
        ):
            return False
        text = (dialog.txt_limit.text or "").strip()
        try:
            api.call("update_sending_limit", int(text) if text.isdigit() else text)
        except api.ApiError as error:
            dialog.txt_limit.error = True
            dialog.txt_limit.supporting_text = error.message
            continue
        return True
