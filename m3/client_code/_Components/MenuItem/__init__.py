"""MenuItem: one line of a menu."""

from ... import _properties as props
from ._anvil_designer import MenuItemTemplate


class MenuItem(MenuItemTemplate):
    text = props.ElementProperty("label")
    leading_icon = props.ElementProperty("leadingIcon")
    trailing_icon = props.ElementProperty("trailingIcon")
    trailing_text = props.ElementProperty("trailingText")
    add_icon_space = props.ElementProperty("addIconSpace", default=False, convert=bool)
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    font_family = props.StyleProperty("--m3-font-family")
    font_size = props.pixels("--m3-font-size")
    bold = props.flag("700", "--m3-font-weight")
    italic = props.flag("italic", "--m3-font-style")
    underline = props.flag("underline", "--m3-text-decoration")
    text_color = props.color("--m3-text-color")
    leading_icon_color = props.color("--md-menu-item-leading-icon-color")
    leading_icon_size = props.pixels("--m3-leading-icon-size")
    trailing_icon_color = props.color("--md-menu-item-trailing-icon-color")
    trailing_icon_size = props.pixels("--m3-trailing-icon-size")
    background_color = props.color("--m3-background-color")
    spacing = props.Spacing()
    role = props.Role()
    tooltip = props.Tooltip()

    def __init__(self, **properties):
        props.start(self, properties)

    def _press(self, event):
        self.raise_event("click")
