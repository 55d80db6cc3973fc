from ._anvil_designer import IntegrationFieldTemplate

from ...shared import form_fields


class IntegrationField(IntegrationFieldTemplate):
    """One field of an integration: text, a choice, or a secret that is never shown again.

    `item` has the `field` as `list_integrations` says and `may_change`.
    """

    def __init__(self, **properties):
        self.init_components(**properties)
        field = self.item["field"]
        self.field = field
        self.is_choice = field["kind"] == "choice"
        self.is_secret = field["kind"] == "secret"
        self.box = self.dd_value if self.is_choice else self.txt_value
        self.txt_value.visible = not self.is_choice
        self.dd_value.visible = self.is_choice
        self.box.label = field["label"] if field["required"] else field["label"] + " (optional)"
        self.box.enabled = self.item["may_change"]
        self.box.supporting_text = self._hint()
        self.box.tag = self.box.supporting_text
        if self.is_choice:
            self.dd_value.items = [(text, value) for value, text in field["options"]]
            first = self.dd_value.items[0][1]
            self.dd_value.selected_value = field["value"] or first
            self.before = field["value"] or first
        else:
            self.txt_value.hide_text = self.is_secret
            # Not a password of this site: browsers must neither fill it in nor keep it.
            self.txt_value.autocomplete = "new-password" if self.is_secret else "off"
            self.before = "" if self.is_secret else field["value"]
            self.txt_value.text = self.before

    def _hint(self):
        field = self.field
        if not self.is_secret or not field["is_set"]:
            return field["hint"]
        if field["ending"]:
            return "Kept safely, ends in {}. Leave empty to keep it.".format(field["ending"])
        return "Kept safely. Leave empty to keep it."

    @property
    def name(self):
        """What the server calls it."""
        return self.field["name"]

    @property
    def value(self):
        """What stands in it now."""
        if self.is_choice:
            return self.dd_value.selected_value or ""
        text = self.txt_value.text or ""
        # A password may begin or end with a space.
        return text if self.is_secret else text.strip()

    @property
    def is_changed(self):
        """Whether it is other than what is kept."""
        return self.value != self.before

    def show_error(self, message):
        """Show a message at the field, or take it away with ''."""
        self.box.error = bool(message)
        self.box.supporting_text = message or self.box.tag

    def focus(self):
        """Put the focus into it."""
        if hasattr(self.box, "focus"):
            self.box.focus()

    def box_change(self, sender, **event_args):
        form_fields.clear_error(sender)
