"""Avatar: a person's picture, initials, or an icon."""

from anvil import Media

from ... import _properties as props
from ._anvil_designer import AvatarTemplate


class Image(props.Property):
    """An address or a media object."""

    def __init__(self, node="root"):
        super().__init__(None)
        self.node = node

    def show(self, component, value):
        if isinstance(value, Media):
            value = value.get_url(False)
        component.dom_nodes[self.node].image = value or None


class Avatar(AvatarTemplate):
    appearance = props.Appearance("filled")
    image = Image()
    user_name = props.ElementProperty("userName")
    fallback_icon = props.ElementProperty("fallbackIcon", default="person")
    size = props.StyleProperty("--m3-avatar-size", default=40, convert=props.css_pixels)
    align = props.Align()
    text_color = props.color("--m3-text-color")
    font_size = props.pixels("--m3-font-size")
    font_family = props.StyleProperty("--m3-font-family")
    fallback_icon_color = props.color("--m3-icon-color")
    fallback_icon_size = props.pixels("--m3-own-icon-size")
    background_color = props.color("--m3-background-color")
    border = props.StyleProperty("--m3-border")
    margin = props.Margin()
    role = props.Role()
    tooltip = props.Tooltip()

    def __init__(self, **properties):
        props.start(self, properties)
