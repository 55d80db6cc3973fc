from ._anvil_designer import BulkDialogTemplate

from anvil import alert


class BulkDialog(BulkDialogTemplate):
    """Asks for what a change of many contacts needs: tags, or a hand-picked segment."""

    def __init__(self, text="", tags=None, segments=None, **properties):
        self.init_components(**properties)
        self.dom_nodes["text_node"].textContent = text
        self.tags.items = tags or []
        self.tags.visible = tags is not None
        self.dd_segment.visible = segments is not None
        self.dd_segment.items = segments or []
        self.dom_nodes["problem"].textContent = ""

    @property
    def choices(self):
        """What is chosen, as `start_bulk_change` takes it; {} as long as it is nothing."""
        self.tags.take_typed()
        if self.dd_segment.visible:
            chosen = self.dd_segment.selected_value
            return {"segment_id": chosen} if chosen else {}
        return {"tags": self.tags.tags} if self.tags.tags else {}


def ask_choices(title, text, action, tags=None, segments=None):
    """The choices that a person makes, or None for Cancel. `tags` are suggested ones, `segments`
    (name, id) pairs; one of both is given."""
    dialog = BulkDialog(text=text, tags=tags, segments=segments)
    while True:
        buttons = [("Cancel", False), (action, True)]
        if alert(dialog, title=title, buttons=buttons, dismissible=True) is not True:
            return None
        choices = dialog.choices
        if choices:
            return choices
        missing = "Please choose a segment." if segments is not None else "Please type a tag."
        dialog.dom_nodes["problem"].textContent = missing
