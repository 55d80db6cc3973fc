from ._anvil_designer import PersonDialogTemplate

from anvil import alert

from ...shared import api, formatting


class PersonDialog(PersonDialogTemplate):
    """Which contact it is about, and what about it. `ask_person` opens it."""

    def __init__(self, text="", words_label="", **properties):
        self.init_components(**properties)
        self.dom_nodes["text_node"].textContent = text
        self.txt_words.label = words_label
        self.dom_nodes["words_box"].hidden = not words_label

    def find(self):
        """The contact that is meant, or None with a message at the field."""
        who = (self.txt_who.text or "").strip()
        if not who:
            return self._refuse("Please say who it is.")
        try:
            answer = api.call("list_contacts", {"search": who, "page_size": 2})
        except api.ApiError as error:
            return self._refuse(error.message)
        contacts = answer["contacts"]
        exact = [
            one for one in contacts if who.lower() in (one["email"], one["contact_id"].lower())
        ]
        if len(exact) == 1 or len(contacts) == 1:
            return (exact or contacts)[0]
        if not contacts:
            return self._refuse("Nobody is found by that.")
        count = formatting.number(answer["total"])
        return self._refuse(
            "{} people are found by that. Their e-mail address is exact.".format(count)
        )

    def _refuse(self, message):
        self.txt_who.error = True
        self.txt_who.supporting_text = message
        return None


def ask_person(title, text, action, words_label=""):
    """(contact, words) of who was chosen, or None where nobody shall be."""
    dialog = PersonDialog(text=text, words_label=words_label)
    while True:
        buttons = [("Cancel", False), (action, True)]
        if alert(dialog, title=title, buttons=buttons, dismissible=True) is not True:
            return None
        contact = dialog.find()
        words = (dialog.txt_words.text or "").strip()
        dialog.txt_words.error = bool(words_label) and not words
        if contact and not dialog.txt_words.error:
            return contact, words
