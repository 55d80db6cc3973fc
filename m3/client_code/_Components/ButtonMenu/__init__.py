"""ButtonMenu: a button that opens a menu."""

from ... import _properties as props
from ... import _roles as roles
from ..._menus import MenuItems
from ..Button import states, tokens
from ._anvil_designer import ButtonMenuTemplate


class ButtonMenu(ButtonMenuTemplate):
    text = props.ElementProperty("label", node="opener")
    appearance = props.Appearance("filled", node="opener")
    icon = props.ElementProperty("icon", node="opener")
    icon_align = props.ElementProperty("iconAlign", default="left", node="opener")
    menu_items = MenuItems()
    enabled = props.ElementProperty("disabled", True, props.opposite, node="opener")
    align = props.Align()
    button_text_color = props.color(*states("label-text-color"))
    button_font_family = props.StyleProperty(*tokens("label-text-font"))
    button_font_size = props.pixels(*tokens("label-text-size"))
    bold = props.flag("700", *tokens("label-text-weight"))
    italic = props.flag("italic", "--m3-font-style")
    underline = props.flag("underline", "--m3-text-decoration")
    icon_color = props.color("--m3-icon-color", node="opener")
    icon_size = props.pixels("--m3-button-icon-size", node="opener")
    button_background_color = props.color(*tokens("container-color"))
    button_border = props.StyleProperty("--m3-border", node="opener")
    menu_background_color = props.color("--m3-menu-color", node="menu")
    menu_border = props.StyleProperty("--m3-menu-border", node="menu")
    spacing = props.Spacing()
    role = props.Role(roles.BUTTON)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName", node="opener")

    def __init__(self, **properties):
        props.start(self, properties)

    def _press(self, event):
        self.raise_event("click")
