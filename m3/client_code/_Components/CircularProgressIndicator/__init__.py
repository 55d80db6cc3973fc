"""CircularProgressIndicator: how far a process is, as a ring. `progress` is a percentage."""

from ... import _properties as props
from ..LinearProgressIndicator import is_indeterminate
from ._anvil_designer import CircularProgressIndicatorTemplate


class CircularProgressIndicator(CircularProgressIndicatorTemplate):
    type = props.ElementProperty("indeterminate", default="determinate", convert=is_indeterminate)
    progress = props.ElementProperty("value", 50, props.optional_number)
    color = props.color("--md-circular-progress-active-indicator-color")
    align = props.Align()
    margin = props.Margin()
    role = props.Role()
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        root = self.dom_nodes["root"]
        root.shape = "circular"
        root.value = 50
        props.start(self, properties)
