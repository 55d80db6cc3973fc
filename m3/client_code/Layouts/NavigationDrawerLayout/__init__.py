"""NavigationDrawerLayout: for eight destinations and more."""

from ... import _layout
from ... import _properties as props
from ._anvil_designer import NavigationDrawerLayoutTemplate


class NavigationDrawerLayout(NavigationDrawerLayoutTemplate):
    """Slots: navigation, app_bar_title, app_bar_links, content, sidesheet."""

    navigation_drawer_color = props.color("--m3-drawer-color")
    navigation_drawer_vertical_align = _layout.VerticalAlign("top")
    background_color = props.color("--m3-layout-background")
    text_color = props.color("--m3-layout-text")
    show_sidesheet = _layout.ShowSidesheet(False)
    content_padding = _layout.ContentPadding()

    open_nav_drawer = _layout.open_nav_drawer
    hide_nav_drawer = _layout.hide_nav_drawer

    def __init__(self, **properties):
        props.start(self, properties)

    def _close_sheet(self, event):
        self.show_sidesheet = False
