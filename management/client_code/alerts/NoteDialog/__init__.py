from ._anvil_designer import NoteDialogTemplate

from anvil import alert


class NoteDialog(NoteDialogTemplate):
    """What somebody who sees to an alert wants others to know. `ask_note` opens it."""

    def __init__(self, text="", **properties):
        self.init_components(**properties)
        self.dom_nodes["text_node"].textContent = text


def ask_note(text):
    """The note ('' for none), or None where the alert is left alone."""
    dialog = NoteDialog(text=text)
    buttons = [("Cancel", False), ("I see to it", True)]
    if alert(dialog, title="See to this alert?", buttons=buttons, dismissible=True) is not True:
        return None
    return (dialog.txt_note.text or "").strip()
