"""The rail layout of the gallery."""

from anvil import handle

from ._anvil_designer import GalleryRailTemplate


class GalleryRail(GalleryRailTemplate):
    def __init__(self, **properties):
        self.init_components(**properties)

    @handle("btn_menu", "click")
    def btn_menu_click(self, **event_args):
        is_bar = self.layout.navigation_rail_collapse_to == "bottom_app_bar"
        self.layout.navigation_rail_collapse_to = (
            "modal_navigation_drawer" if is_bar else "bottom_app_bar"
        )
