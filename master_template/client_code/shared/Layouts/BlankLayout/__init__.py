from ._anvil_designer import BlankLayoutTemplate

from ... import session


class BlankLayout(BlankLayoutTemplate):
    """One card in the middle, no menu: log in, sign up, choose a password."""

    def __init__(self, **properties):
        self.init_components(**properties)
        name = session.business()["business_name"]
        self.dom_nodes["brand"].textContent = name
        self.dom_nodes["mark"].textContent = name[:1].upper()
