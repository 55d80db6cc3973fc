"""Defaults of `anvil.pluggable_ui` that are made of other components."""

import anvil
import anvil.js


class TextBoxWithLabel(anvil.LinearPanel):
    """A TextBox with its label above it. Events of the box are those of the whole."""

    _box_events = ["change", "focus", "lost_focus", "pressed_enter"]
    _anvil_events_ = [{"name": name} for name in _box_events]

    def __init__(self, label="", text="", **properties):
        super().__init__(spacing_above="none", spacing_below="none")
        self._label = anvil.Label()
        self._box = anvil.pluggable_ui["anvil.TextBox"](text=text, **properties)
        self.label = label
        self.add_component(self._label)
        self.add_component(self._box)

    @property
    def text(self):
        return self._box.text

    @text.setter
    def text(self, value):
        self._box.text = value

    @property
    def placeholder(self):
        return self._box.placeholder

    @placeholder.setter
    def placeholder(self, value):
        self._box.placeholder = value

    @property
    def label(self):
        return self._label.text

    @label.setter
    def label(self, value):
        self._label.text = value
        # To a screen reader the text above the box says nothing about the box.
        name = (value or "").strip().rstrip(":")
        anvil.js.get_dom_node(self._box).setAttribute("aria-label", name)

    def focus(self):
        self._box.focus()

    def add_event_handler(self, event_name, handler):
        owner = self._box if event_name in self._box_events else super()
        owner.add_event_handler(event_name, handler)

    def set_event_handler(self, event_name, handler):
        owner = self._box if event_name in self._box_events else super()
        owner.set_event_handler(event_name, handler)

    def remove_event_handler(self, event_name, *handler):
        owner = self._box if event_name in self._box_events else super()
        owner.remove_event_handler(event_name, *handler)


def FooterButton(button_type=None, **properties):
    """A button of an alert. `button_type` is for themes that style by it."""
    properties.setdefault("spacing_above", "none")
    properties.setdefault("spacing_below", "none")
    return anvil.Button(**properties)
