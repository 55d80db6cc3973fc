from ._anvil_designer import PortalShortcutTemplate

from ...shared import navigation_helpers


class PortalShortcut(PortalShortcutTemplate):
    """A way to a part of the portal; `item` has `path`, `icon`, `title` and `text`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        nodes = self.dom_nodes
        nodes["root"].href = self.item["path"]
        nodes["icon"].setAttribute("name", self.item["icon"])
        nodes["title"].textContent = self.item["title"]
        nodes["text"].textContent = self.item["text"]

    def root_click(self, event):
        navigation_helpers.follow(event, self.item["path"])
