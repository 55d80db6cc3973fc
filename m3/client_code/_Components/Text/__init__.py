"""Text: a passage or a label, in Material's body and label styles."""

from anvil.js import window

from ... import _properties as props
from ._anvil_designer import TextTemplate


class Typescale(props.Property):
    """`style` or `scale`: together they are one class of the type scale."""

    def show(self, component, value):
        component._set_typescale()


class Content(props.Property):
    """`text` or `icon`."""

    def show(self, component, value):
        component._draw()


class Text(TextTemplate):
    style = Typescale("body")
    scale = Typescale("medium")
    text = Content("")
    icon = Content("")
    material_icon = props.Alias("icon", default="")
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
    role = props.Role()
    tooltip = props.Tooltip()

    def __init__(self, **properties):
        self._typescale = ""
        props.start(self, properties)
        self._set_typescale()

    def _set_typescale(self):
        classes = self.dom_nodes["root"].classList
        if self._typescale:
            classes.remove(self._typescale)
        self._typescale = "m3-" + self.style + "-" + self.scale
        classes.add(self._typescale)

    def _draw(self):
        root = self.dom_nodes["root"]
        root.textContent = str(self.text)
        if self.icon:
            icon = window.document.createElement("m3-icon")
            icon.setAttribute("name", self.icon)
            root.prepend(icon)
