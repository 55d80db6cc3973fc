"""ToggleIconButton: an icon button that is on or off."""

from ... import _properties as props
from ... import _roles as roles
from ..IconButton import ICON_COLOR, tokens
from ._anvil_designer import ToggleIconButtonTemplate

SELECTED_COLOR = tokens(
    "toggle-selected-icon-color",
    "toggle-selected-hover-icon-color",
    "toggle-selected-focus-icon-color",
    "toggle-selected-pressed-icon-color",
    "selected-icon-color",
)


class ToggleIconButton(ToggleIconButtonTemplate):
    selected = props.ElementProperty("selected", default=False, convert=bool)
    icon = props.ElementProperty("icon", default="star")
    appearance = props.Appearance("standard")
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    align = props.Align()
    icon_color = props.color(*ICON_COLOR)
    background_color = props.color(*tokens("container-color", "unselected-container-color"))
    border = props.StyleProperty("--m3-border")
    selected_icon_color = props.color(*SELECTED_COLOR)
    selected_background_color = props.color(*tokens("selected-container-color"))
    selected_border = props.Property("")
    margin = props.Margin()
    role = props.Role(roles.BUTTON)
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        self.dom_nodes["root"].toggle = True
        props.start(self, properties)
        self._draw_border()

    def focus(self):
        """Sets the keyboard focus to this button."""
        self.dom_nodes["root"].focus()

    def _name_by_tooltip(self):
        if not self.accessible_name:
            self.dom_nodes["root"].accessibleName = self.tooltip

    def _draw_border(self):
        border = self.selected_border if self.selected and self.selected_border else self.border
        self.dom_nodes["root"].style.setProperty("--m3-border", border or "none")

    def _press(self, event):
        selected = bool(self.dom_nodes["root"].selected)
        type(self).selected.remember(self, selected)
        self._draw_border()
        self.raise_event("click")
        self.raise_event("change")
