from ._anvil_designer import ImportRowTemplate

from ...shared import formatting, navigation_helpers
from .. import import_texts


class ImportRow(ImportRowTemplate):
    """One former import: its file, when, by whom, and what came of it."""

    def __init__(self, **properties):
        self.init_components(**properties)
        entry, nodes = self.item, self.dom_nodes
        self.path = import_texts.IMPORTS + entry["import_id"]
        nodes["link"].href = self.path
        nodes["link"].textContent = entry["file_name"]
        nodes["who"].textContent = "{} · {}".format(
            formatting.ago(entry["created_at"]), entry["author_name"] or ""
        )
        nodes["state"].textContent = import_texts.STATES[entry["state"]]
        nodes["summary"].textContent = import_texts.summary(entry)

    def link_click(self, event):
        navigation_helpers.follow(event, self.path)
