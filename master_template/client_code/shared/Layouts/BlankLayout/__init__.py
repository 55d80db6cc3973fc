from ._anvil_designer import BlankLayoutTemplate

from ... import appearance, session


class BlankLayout(BlankLayoutTemplate):
    """One card in the middle, no menu: log in, sign up, choose a password."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.dom_nodes["brand"].textContent = session.business()["business_name"]
        appearance.draw_mark(self.dom_nodes["mark"])
