"""AvatarMenu: an avatar that opens a menu."""

from ... import _properties as props
from ..._menus import MenuItems
from ..Avatar import Image
from ._anvil_designer import AvatarMenuTemplate


class AvatarMenu(AvatarMenuTemplate):
    appearance = props.Appearance("filled", node="opener")
    image = Image("opener")
    user_name = props.ElementProperty("userName", node="opener")
    fallback_icon = props.ElementProperty("fallbackIcon", default="person", node="opener")
    menu_items = MenuItems()
    enabled = props.ElementProperty("disabled", True, props.opposite, node="opener")
    align = props.Align()
    avatar_text_color = props.color("--m3-text-color", node="opener")
    avatar_font_family = props.StyleProperty("--m3-font-family", node="opener")
    avatar_font_size = props.pixels("--m3-font-size", node="opener")
    fallback_icon_color = props.color("--m3-icon-color", node="opener")
    fallback_icon_size = props.pixels("--m3-own-icon-size", node="opener")
    avatar_background_color = props.color("--m3-background-color", node="opener")
    avatar_border = props.StyleProperty("--m3-border", node="opener")
    menu_background_color = props.color("--m3-menu-color", node="menu")
    menu_border = props.StyleProperty("--m3-menu-border", node="menu")
    margin = props.Margin()
    role = props.Role()
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName", node="opener")

    def __init__(self, **properties):
        props.start(self, properties)

    def _press(self, event):
        self.raise_event("click")
