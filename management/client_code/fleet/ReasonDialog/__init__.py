from ._anvil_designer import ReasonDialogTemplate

from anvil import alert


class ReasonDialog(ReasonDialogTemplate):
    """Why a business is stopped. `ask_reason` opens it."""

    def __init__(self, text="", **properties):
        self.init_components(**properties)
        self.dom_nodes["text_node"].textContent = text


def ask_reason(title, text, action):
    """The reason that was typed ('' for none), or None where nothing is to be done."""
    dialog = ReasonDialog(text=text)
    buttons = [(action, True, "danger"), ("Cancel", False)]
    if alert(dialog, title=title, buttons=buttons, dismissible=True) is not True:
        return None
    return (dialog.txt_reason.text or "").strip()
