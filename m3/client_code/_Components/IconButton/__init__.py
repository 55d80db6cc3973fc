"""IconButton: an action told by an icon alone."""

from ... import _properties as props
from ... import _roles as roles
from ._anvil_designer import IconButtonTemplate

KINDS = ("icon-button", "filled-icon-button", "filled-tonal-icon-button", "outlined-icon-button")


def tokens(*suffixes):
    """Names of design tokens of all four icon buttons of Material Web."""
    return ["--md-" + kind + "-" + suffix for kind in KINDS for suffix in suffixes]


ICON_COLOR = tokens("icon-color", "hover-icon-color", "focus-icon-color", "pressed-icon-color")


class IconButton(IconButtonTemplate):
    icon = props.ElementProperty("icon", default="star")
    appearance = props.Appearance("standard")
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    align = props.Align()
    icon_color = props.color(*ICON_COLOR)
    background_color = props.color(*tokens("container-color"))
    border = props.StyleProperty("--m3-border")
    margin = props.Margin()
    role = props.Role(roles.BUTTON)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this button."""
        self.dom_nodes["root"].focus()

    def _name_by_tooltip(self):
        if not self.accessible_name:
            self.dom_nodes["root"].accessibleName = self.tooltip

    def _press(self, event):
        self.raise_event("click")
