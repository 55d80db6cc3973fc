"""NavigationRailLayout: for three to seven destinations."""

from ... import _layout
from ... import _properties as props
from ._anvil_designer import NavigationRailLayoutTemplate


class CollapseTo(props.Property):
    """What the rail becomes on a phone."""

    def show(self, component, value):
        is_modal = value == "modal_navigation_drawer"
        component.dom_nodes["root"].toggleAttribute("modal-drawer", is_modal)


class NavigationRailLayout(NavigationRailLayoutTemplate):
    """Slots: navigation, slot_2 (links in the app bar), slot_4 (its title), content, sidesheet.

    The two numbered names are those of Anvil's own theme, so that its apps run unchanged.
    """

    navigation_rail_color = props.color("--m3-drawer-color")
    navigation_rail_vertical_align = _layout.VerticalAlign("top")
    navigation_rail_collapse_to = CollapseTo("bottom_app_bar")
    background_color = props.color("--m3-layout-background")
    text_color = props.color("--m3-layout-text")
    show_sidesheet = _layout.ShowSidesheet(False)
    content_padding = _layout.ContentPadding()

    open_nav_drawer = _layout.open_nav_drawer
    hide_nav_drawer = _layout.hide_nav_drawer

    def __init__(self, **properties):
        props.start(self, properties)

    def add_to_nav_rail(self, *components):
        """Adds components to the rail, after those that it has."""
        for component in components:
            self.slots["navigation"].add_component(component)

    def _close_sheet(self, event):
        self.show_sidesheet = False
