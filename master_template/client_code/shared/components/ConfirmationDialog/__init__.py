from ._anvil_designer import ConfirmationDialogTemplate

from anvil import alert, handle


class ConfirmationDialog(ConfirmationDialogTemplate):
    """What a dialog asks: `text`, a softer `detail`, and for what nobody can undo a `word` that
    has to be typed. `ask`, `confirm` and `confirm_word` open it."""

    def __init__(self, text="", detail="", word="", **properties):
        self._word = word
        self.init_components(**properties)
        nodes = self.dom_nodes
        nodes["text_node"].textContent = text
        nodes["detail_node"].textContent = detail
        nodes["detail_node"].hidden = not detail
        nodes["word_box"].hidden = not word
        self.txt_word.label = "Type {} to go on".format(word)

    @property
    def is_word_typed(self):
        """Whether the word stands there, in small or capital letters."""
        return (self.txt_word.text or "").strip().lower() == self._word.lower()

    @handle("txt_word", "pressed_enter")
    def txt_word_pressed_enter(self, **event_args):
        if self.is_word_typed:
            self.raise_event("x-close-alert", value=True)


def ask(title, text, buttons, detail=""):
    """The value of the button that was pressed; None for Escape and the cross.

    A button is (text, value) or (text, value, style) with a style of Anvil's: `danger`, ...; the
    last one takes the focus.
    """
    dialog = ConfirmationDialog(text=text, detail=detail)
    return alert(dialog, title=title, buttons=buttons, dismissible=True)


def confirm(title, text, action, keep="Cancel", detail="", is_dangerous=False):
    """Whether the person wants it; `action` is the verb on the button. Something dangerous has the
    focus on the button that keeps all as it is."""
    yes, no = (action, True), (keep, False)
    buttons = [yes + ("danger",), no] if is_dangerous else [no, yes]
    return ask(title, text, buttons, detail) is True


def confirm_word(title, text, action, word, detail=""):
    """Whether the person wants something that nobody can undo, and typed the word to say so."""
    dialog = ConfirmationDialog(text=text, detail=detail, word=word)
    while True:
        buttons = [("Cancel", False), (action, True, "danger")]
        answer = alert(dialog, title=title, buttons=buttons, dismissible=True)
        if answer is not True or dialog.is_word_typed:
            return answer is True
        dialog.txt_word.error = True
        dialog.txt_word.supporting_text = "Please type {}.".format(word)
