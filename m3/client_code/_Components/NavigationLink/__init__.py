"""NavigationLink: a destination in a navigation drawer, rail or bottom bar."""

from anvil import Component, Media, open_form
from anvil.property_utils import get_form_constructor

from ... import _properties as props
from ... import navigation
from ._anvil_designer import NavigationLinkTemplate


class Url(props.Property):
    """An address, or a media object to download."""

    def show(self, component, value):
        root = component.dom_nodes["root"]
        root.download = value.name if isinstance(value, Media) else None
        root.href = value.get_url(True) if isinstance(value, Media) else value


class NavigationLink(NavigationLinkTemplate):
    text = props.ElementProperty("label")
    icon = props.ElementProperty("icon")
    navigate_to = props.Property()
    selected = props.ElementProperty("selected", default=False, convert=bool)
    badge = props.ElementProperty("badge", default=False, convert=bool)
    badge_count = props.ElementProperty("badgeCount", default=None)
    url = Url("")
    font_family = props.StyleProperty("--m3-font-family")
    font_size = props.pixels("--m3-font-size")
    bold = props.flag("700", "--m3-font-weight")
    italic = props.flag("italic", "--m3-font-style")
    underline = props.flag("underline", "--m3-text-decoration")
    text_color = props.color("--m3-text-color")
    icon_color = props.color("--m3-own-icon-color")
    icon_size = props.pixels("--m3-own-icon-size")
    background_color = props.color("--m3-background-color")
    spacing = props.Spacing()
    role = props.Role()
    tooltip = props.Tooltip()

    def __init__(self, **properties):
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this link."""
        self.dom_nodes["root"].focus()

    def _press(self, event):
        target = self.navigate_to
        has_form = target is not None and target != ""
        if has_form:
            # The url, if there is one too, is for other tabs: here the form opens.
            event.preventDefault()
        self.raise_event("click", event=event)
        if not has_form or not navigation.may_navigate():
            return
        if isinstance(target, Component):
            open_form(target)
        else:
            open_form(get_form_constructor(self, target)())
