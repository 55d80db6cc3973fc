from ._anvil_designer import WordsDialogTemplate

from anvil import alert


class WordsDialog(WordsDialogTemplate):
    """Asks for some words. `ask_words` opens it."""

    def __init__(self, text="", label="", before="", **properties):
        self.init_components(**properties)
        self.dom_nodes["text_node"].textContent = text
        self.txt_words.label = label
        self.txt_words.text = before


def ask_words(title, text, action, label, before="", may_be_empty=False):
    """What was typed, or None where nothing is to be done."""
    dialog = WordsDialog(text=text, label=label, before=before)
    while True:
        buttons = [("Cancel", False), (action, True)]
        if alert(dialog, title=title, buttons=buttons, dismissible=True) is not True:
            return None
        words = (dialog.txt_words.text or "").strip()
        if words or may_be_empty:
            return words
        dialog.txt_words.error = True
        dialog.txt_words.supporting_text = "Please say a few words."
