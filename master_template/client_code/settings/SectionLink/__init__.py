from ._anvil_designer import SectionLinkTemplate

from ...shared import navigation_helpers


class SectionLink(SectionLinkTemplate):
    """One line of the list of sections; `item` has the `section` and whether it is `current`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        section = self.item["section"]
        nodes = self.dom_nodes
        nodes["link"].href = section.path
        nodes["icon"].setAttribute("name", section.icon)
        nodes["title"].textContent = section.title
        nodes["text"].textContent = section.text
        if self.item["current"]:
            nodes["link"].setAttribute("aria-current", "page")

    def link_click(self, event):
        navigation_helpers.follow(event, self.item["section"].path)
