from ._anvil_designer import ComingFormTemplate

from anvil import handle

from .. import navigation_helpers
from ..navigation_groups import GROUPS
from ..routes import COMING


class ComingForm(ComingFormTemplate):
    """Says plainly that an area of the menu is not in this version, and what it will be."""

    def __init__(self, section, **properties):
        title, what = COMING[section]
        path = "/app/coming/" + section
        navigation_helpers.arrive(path, title)
        self.init_components(**properties)
        self.dom_nodes["heading"].textContent = title
        self.dom_nodes["text"].textContent = what + "."
        for _, items in GROUPS:
            for name, where, _, _ in items:
                if where == path:
                    navigation_helpers.highlight_active_nav(self.layout, name)

    @handle("btn_back", "click")
    def btn_back_click(self, **event_args):
        navigation_helpers.navigate_to_dashboard()
