"""RadioGroupPanel: RadioButtons of which one is selected, also in containers inside."""

from anvil.js import window

from ... import _properties as props
from ..RadioButton import RadioButton
from ._anvil_designer import RadioGroupPanelTemplate


def radio_buttons(container):
    """The RadioButtons in a container and in the containers inside it, in order."""
    found = []
    for component in container.get_components():
        if isinstance(component, RadioButton):
            found.append(component)
        elif hasattr(component, "get_components"):
            found.extend(radio_buttons(component))
    return found


class SelectedValue(props.Property):
    """The `value` of the selected RadioButton, None if none is."""

    def __get__(self, component, owner=None):
        if component is None:
            return self
        button = component.selected_button
        return button.value if button else component._awaited_value

    def __set__(self, component, value):
        # A binding may set the value before the options are added; see _apply_awaited.
        component._awaited_value = value
        for button in component.buttons:
            button.selected = value is not None and button.value == value


class Label(props.Property):
    """What the choice is about, shown above and told to screen readers."""

    def show(self, component, value):
        component.dom_nodes["label"].textContent = value
        component.dom_nodes["root"].setAttribute("aria-label", value)


class Enabled(props.Property):
    """Whether the options can be chosen."""

    def show(self, component, value):
        for button in component.buttons:
            button.enabled = value


class RadioGroupPanel(RadioGroupPanelTemplate):
    selected_value = SelectedValue()
    label = Label("")
    orientation = props.AttributeProperty("data-orientation", default="column")
    enabled = Enabled(True)
    margin = props.Margin()
    role = props.Role()
    tooltip = props.Tooltip()

    def __init__(self, **properties):
        self._awaited_value = None
        self.dom_nodes["root"].setAttribute(
            "data-m3-radio-group", "m3-" + window.crypto.randomUUID()
        )
        props.start(self, properties)
        self.add_event_handler("show", self._apply_awaited)

    @property
    def buttons(self):
        """The RadioButtons of this group, in order."""
        return radio_buttons(self)

    @property
    def selected_button(self):
        """The selected RadioButton, or None."""
        for button in self.buttons:
            if button.selected:
                return button
        return None

    def _apply_awaited(self, **event_args):
        """Selects the option of a value that was set before the option was added."""
        if self._awaited_value is not None and self.selected_button is None:
            self.selected_value = self._awaited_value

    def _change(self, event):
        self._awaited_value = None
        self.raise_event("change")
