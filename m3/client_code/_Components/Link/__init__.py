"""Link: text that opens an address, downloads a media object or raises ``click``."""

from anvil import Media
from anvil.js import window

from ... import _properties as props
from ._anvil_designer import LinkTemplate


class Content(props.Property):
    """`text` or `icon`."""

    def show(self, component, value):
        component._draw()


class Url(props.Property):
    """An address, or a media object to download."""

    def show(self, component, value):
        link = component.dom_nodes["link"]
        link.removeAttribute("download")
        if isinstance(value, Media):
            link.setAttribute("download", value.name or "")
            value = value.get_url(True)
        if value:
            link.setAttribute("href", value)
        else:
            link.removeAttribute("href")


class Link(LinkTemplate):
    text = Content("")
    icon = Content("")
    url = Url("")
    align = props.Align()
    font_family = props.StyleProperty("font-family", node="link")
    font_size = props.pixels("font-size", node="link")
    bold = props.flag("bold", "font-weight", node="link")
    italic = props.flag("italic", "font-style", node="link")
    underline = props.flag("underline", "text-decoration", node="link")
    text_color = props.color("color", node="link")
    icon_color = props.color("--m3-icon-color")
    icon_size = props.pixels("--m3-own-icon-size")
    background_color = props.color("background-color", node="link")
    border = props.StyleProperty("border", node="link")
    spacing = props.Spacing()
    role = props.Role()
    tooltip = props.Tooltip()

    def __init__(self, **properties):
        props.start(self, properties)

    def _draw(self):
        label = self.dom_nodes["label"]
        label.textContent = str(self.text)
        if self.icon:
            icon = window.document.createElement("m3-icon")
            icon.setAttribute("name", self.icon)
            label.prepend(icon)

    def _press(self, event):
        self.raise_event("click")

    def _key(self, event):
        # A link with an address answers to Enter by itself.
        if event.key == "Enter" and not self.url:
            event.preventDefault()
            self.raise_event("click")
