"""RadioButton: one of the options of a group; see RadioGroupPanel."""

from ... import _properties as props
from ._anvil_designer import RadioButtonTemplate


class Value(props.Property):
    """What the option stands for; its text unless set."""

    def __get__(self, component, owner=None):
        if component is None:
            return self
        return component._values.get(self.name, component.text)


class Selected(props.Property):
    """Whether this option is the group's. The element knows when another option took over."""

    def __init__(self):
        super().__init__(False)

    def __get__(self, component, owner=None):
        if component is None:
            return self
        return bool(component.dom_nodes["root"].checked)

    def __set__(self, component, value):
        if bool(value) != self.__get__(component):
            component.dom_nodes["root"].checked = bool(value)


class RadioButton(RadioButtonTemplate):
    text = props.ElementProperty("label")
    selected = Selected()
    value = Value()
    enabled = props.ElementProperty("disabled", default=True, convert=props.opposite)
    align = props.Align()
    role = props.Role()
    radio_color = props.color(
        "--md-radio-selected-icon-color",
        "--md-radio-selected-hover-icon-color",
        "--md-radio-selected-focus-icon-color",
        "--md-radio-selected-pressed-icon-color",
        "--md-radio-icon-color",
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
        """Sets the keyboard focus to this option."""
        self.dom_nodes["root"].focus()

    def _choose(self, event):
        self.raise_event("select")

    def _drop(self, event):
        # Another option was chosen: a binding of this one's `selected` has to hear of it.
        self.raise_event("change")
