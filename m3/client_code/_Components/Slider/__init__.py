"""Slider: a number from a range."""

from ... import _properties as props
from ._anvil_designer import SliderTemplate


class Slider(SliderTemplate):
    min = props.ElementProperty("min", default=0, convert=props.optional_number)
    max = props.ElementProperty("max", default=10, convert=props.optional_number)
    step = props.ElementProperty("step", default=1, convert=props.optional_number)
    value = props.ElementProperty("value", default=5, convert=props.optional_number)
    show_label = props.ElementProperty("showLabel", default=False, convert=bool)
    show_markers = props.ElementProperty("showMarkers", default=False, convert=bool)
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    progress_color = props.color("--md-slider-active-track-color")
    track_color = props.color("--md-slider-inactive-track-color")
    thumb_color = props.color(
        "--md-slider-handle-color",
        "--md-slider-hover-handle-color",
        "--md-slider-focus-handle-color",
        "--md-slider-pressed-handle-color",
    )
    label_color = props.color("--md-slider-label-container-color")
    label_text_color = props.color("--md-slider-label-text-color")
    margin = props.Margin()
    role = props.Role()
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        self.dom_nodes["root"].value = 5
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this slider."""
        self.dom_nodes["root"].focus()

    def _slide(self, event):
        type(self).value.remember(self, self.dom_nodes["root"].value)
        self.raise_event("change")
