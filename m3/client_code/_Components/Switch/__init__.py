"""Switch: turns one thing on or off, at once."""

from ... import _properties as props
from ._anvil_designer import SwitchTemplate


def tokens(suffix, selected):
    """A design token of Material Web's switch in its resting, hover, focus and pressed states."""
    prefix = "--md-switch-selected-" if selected else "--md-switch-"
    return [prefix + state + suffix for state in ("", "hover-", "focus-", "pressed-")]


class Switch(SwitchTemplate):
    selected = props.ElementProperty("selected", default=False, convert=bool)
    checked = props.Alias("selected", default=False)
    text = props.ElementProperty("label")
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    align = props.Align()
    selected_icon = props.ElementProperty("selectedIcon")
    unselected_icon = props.ElementProperty("unselectedIcon")
    selected_background_color = props.color(*tokens("track-color", True))
    unselected_background_color = props.color(*tokens("track-color", False))
    selected_thumb_color = props.color(*tokens("handle-color", True))
    unselected_thumb_color = props.color(*tokens("handle-color", False))
    unselected_outline_color = props.color(*tokens("track-outline-color", False))
    margin = props.Margin()
    role = props.Role()
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this switch."""
        self.dom_nodes["root"].focus()

    def _toggle(self, event):
        type(self).selected.remember(self, bool(self.dom_nodes["root"].selected))
        self.raise_event("change")
