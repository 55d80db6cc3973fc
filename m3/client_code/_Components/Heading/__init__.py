"""Heading: a title, in Material's display, headline and title styles."""

from ... import _properties as props
from ..Text import Content, Text, Typescale
from ._anvil_designer import HeadingTemplate

# The outline that screen readers navigate by: a page's title first, then its sections and cards.
LEVELS = {
    "display-large": 1,
    "display-medium": 1,
    "display-small": 1,
    "headline-large": 1,
    "headline-medium": 2,
    "headline-small": 2,
    "title-large": 3,
    "title-medium": 3,
    "title-small": 4,
}


class HeadingRole(props.Role):
    """A typography role decides the heading's level too."""

    def show(self, component, value):
        super().show(component, value)
        component._set_typescale()


class Heading(HeadingTemplate):
    style = Typescale("headline")
    scale = Typescale("medium")
    text = Content("")
    icon = Content("")
    align = props.StyleProperty("text-align", default="left")
    font_family = props.StyleProperty("font-family")
    font_size = props.pixels("font-size")
    bold = props.flag("bold", "font-weight")
    italic = props.flag("italic", "font-style")
    underline = props.flag("underline", "text-decoration")
    line_height = props.StyleProperty("line-height")
    text_color = props.color("color")
    icon_color = props.color("--m3-icon-color")
    icon_size = props.pixels("--m3-own-icon-size")
    background_color = props.color("background-color")
    border = props.StyleProperty("border")
    spacing = props.Spacing()
    role = HeadingRole()
    tooltip = props.Tooltip()

    _draw = Text._draw

    def __init__(self, **properties):
        self._typescale = ""
        props.start(self, properties)
        self._set_typescale()

    def _set_typescale(self):
        Text._set_typescale(self)
        names = [self.style + "-" + self.scale] + props.role_names(self.role)
        levels = [LEVELS[name] for name in names if name in LEVELS]
        self.dom_nodes["root"].setAttribute("aria-level", str(levels[-1] if levels else 2))
