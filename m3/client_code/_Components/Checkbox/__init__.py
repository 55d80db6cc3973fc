"""Checkbox: yes, no, or, where allowed, neither."""

from ... import _properties as props
from ._anvil_designer import CheckboxTemplate


class Checked(props.Property):
    """True, False, or None where `allow_indeterminate` is set."""

    def __init__(self):
        super().__init__(False)

    def show(self, component, value):
        component.dom_nodes["root"].checked = None if value is None else bool(value)


class Checkbox(CheckboxTemplate):
    text = props.ElementProperty("label")
    checked = Checked()
    allow_indeterminate = props.ElementProperty("allowIndeterminate", default=False, convert=bool)
    error = props.Error()
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    align = props.Align()
    role = props.Role()
    checkbox_color = props.color(
        "--md-checkbox-selected-container-color",
        "--md-checkbox-selected-hover-container-color",
        "--md-checkbox-selected-focus-container-color",
        "--md-checkbox-selected-pressed-container-color",
        "--md-checkbox-outline-color",
    )
    font_family = props.StyleProperty("--m3-font-family")
    font_size = props.pixels("--m3-font-size")
    bold = props.flag("700", "--m3-font-weight")
    italic = props.flag("italic", "--m3-font-style")
    underline = props.flag("underline", "--m3-text-decoration")
    text_color = props.color("--m3-text-color")
    background_color = props.color("background-color")
    border = props.StyleProperty("border")
    spacing = props.Spacing()
    tooltip = props.Tooltip()
    accessible_name = props.ElementProperty("accessibleName")

    def __init__(self, **properties):
        self.dom_nodes["root"].checked = False
        props.start(self, properties)

    def focus(self):
        """Sets the keyboard focus to this checkbox."""
        self.dom_nodes["root"].focus()

    def _toggle(self, event):
        type(self).checked.remember(self, bool(self.dom_nodes["root"].checked))
        self.raise_event("change")
