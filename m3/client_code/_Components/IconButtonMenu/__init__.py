"""IconButtonMenu: an icon button that opens a menu."""

from ... import _properties as props
from ... import _roles as roles
from ..._menus import MenuItems
from ..IconButton import ICON_COLOR, tokens
from ._anvil_designer import IconButtonMenuTemplate


class IconButtonMenu(IconButtonMenuTemplate):
    icon = props.ElementProperty("icon", default="more_vert", node="opener")
    appearance = props.Appearance("standard", node="opener")
    menu_items = MenuItems()
    enabled = props.ElementProperty("disabled", True, props.opposite, node="opener")
    align = props.Align()
    icon_color = props.color(*ICON_COLOR)
    button_background_color = props.color(*tokens("container-color"))
    button_border = props.StyleProperty("--m3-border", node="opener")
    menu_background_color = props.color("--m3-menu-color", node="menu")
    menu_border = props.StyleProperty("--m3-menu-border", node="menu")
    margin = props.Margin()
    role = props.Role(roles.BUTTON)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName", node="opener")

    def __init__(self, **properties):
        self.dom_nodes["opener"].icon = "more_vert"
        props.start(self, properties)

    def _name_by_tooltip(self):
        if not self.accessible_name:
            self.dom_nodes["opener"].accessibleName = self.tooltip

    def _press(self, event):
        self.raise_event("click")
