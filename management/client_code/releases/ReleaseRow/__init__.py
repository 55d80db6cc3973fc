from ._anvil_designer import ReleaseRowTemplate

from master_template.shared import formatting, navigation_helpers

from .. import release_texts


class ReleaseRow(ReleaseRowTemplate):
    """One release in the list. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        release = self.item
        self.path = "/app/releases/" + release["version"]
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["version"].textContent = release["version"]
        nodes["summary"].textContent = release["summary"]
        release_texts.show_kind(nodes["kind"], release["kind"])
        nodes["used_by"].textContent = formatting.plural(
            release["used_by"], "business", "businesses"
        )
        nodes["when"].textContent = formatting.day(release["published_at"])
        nodes["changed"].hidden = not release["changed_files"]

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
