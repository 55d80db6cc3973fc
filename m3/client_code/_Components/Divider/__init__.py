"""Divider: a thin line between groups."""

from ... import _properties as props
from ._anvil_designer import DividerTemplate


class Divider(DividerTemplate):
    type = props.AttributeProperty("data-type", default="full_width")
    color = props.color("--m3-divider-color")
    margin = props.Margin()
    role = props.Role()

    def __init__(self, **properties):
        props.start(self, properties)
