"""LinearProgressIndicator: how far a process is, as a bar. `progress` is a percentage."""

from ... import _properties as props
from ._anvil_designer import LinearProgressIndicatorTemplate


def is_indeterminate(value):
    """The element's property for `type`."""
    return value == "indeterminate"


class LinearProgressIndicator(LinearProgressIndicatorTemplate):
    type = props.ElementProperty("indeterminate", default="determinate", convert=is_indeterminate)
    progress = props.ElementProperty("value", 50, props.optional_number)
    progress_color = props.color("--md-linear-progress-active-indicator-color")
    track_color = props.color("--md-linear-progress-track-color")
    margin = props.Margin()
    role = props.Role()
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        root = self.dom_nodes["root"]
        root.shape = "linear"
        root.value = 50
        props.start(self, properties)
