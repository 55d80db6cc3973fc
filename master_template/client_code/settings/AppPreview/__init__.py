from ._anvil_designer import AppPreviewTemplate

from m3 import theming

from ...shared import appearance, session


class AppPreview(AppPreviewTemplate):
    """A small picture of the app in colours that are not chosen yet."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.dom_nodes["brand"].textContent = session.business()["business_name"]

    def dress(self, color, is_dark):
        """Show the app in the scheme of a colour."""
        theming.dress(self.dom_nodes["root"], color, is_dark)

    def show_logo(self, address):
        """Show a logo; '' shows the initial."""
        appearance.draw_mark(self.dom_nodes["mark"], address)
