"""``anvil.pluggable_ui``: the components with which Anvil's own forms and dialogs are built.

A theme puts its own in their place:
``pluggable_ui.provide("package", {"anvil.TextBox": MyTextBox})``.
"""

import anvil

_BUILT_IN = ["TextBox", "TextArea", "Button", "CheckBox", "RadioButton", "modal"]


def _make_text_box_with_label():
    class TextBoxWithLabel(anvil.LinearPanel):
        """A text box with its label above it; the box's events are this component's."""

        _anvil_events_ = [{"name": "focus"}, {"name": "lost_focus"}, {"name": "pressed_enter"}]
        _box_events = ["focus", "lost_focus", "pressed_enter"]

        def __init__(self, label="", text="", **properties):
            self._label = anvil.Label(text=label)
            self._box = pluggable_ui["anvil.TextBox"](text=text, **properties)
            self.spacing_above = "none"
            self.spacing_below = "none"
            self.add_component(self._label)
            self.add_component(self._box)

        @property
        def label(self):
            return self._label.text

        @label.setter
        def label(self, value):
            self._label.text = value

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

        def focus(self):
            self._box.focus()

        def add_event_handler(self, name, handler):
            if name in self._box_events:
                return self._box.add_event_handler(name, handler)
            return anvil.LinearPanel.add_event_handler(self, name, handler)

        def set_event_handler(self, name, handler):
            if name in self._box_events:
                return self._box.set_event_handler(name, handler)
            return anvil.LinearPanel.set_event_handler(self, name, handler)

        def remove_event_handler(self, name, handler):
            if name in self._box_events:
                return self._box.remove_event_handler(name, handler)
            return anvil.LinearPanel.remove_event_handler(self, name, handler)

    return TextBoxWithLabel


def _make_footer_button(button_type=None, **properties):
    properties.setdefault("spacing_above", "none")
    properties.setdefault("spacing_below", "none")
    return anvil.Button(**properties)


class PluggableUI:
    """A read-only mapping of names such as ``anvil.TextBox`` to what makes the component."""

    def __init__(self):
        self._provided = {}
        self._listeners = []

    def _default(self, name):
        short = name[len("anvil.") :] if name.startswith("anvil.") else None
        if short in _BUILT_IN:
            return getattr(anvil, short)
        if name == "anvil.TextBoxWithLabel":
            return _make_text_box_with_label()
        if name == "anvil.alerts.FooterButton":
            return _make_footer_button
        raise KeyError(name)

    def __getitem__(self, name):
        if name not in self._provided:
            self._provided[name] = self._default(name)
        return self._provided[name]

    def __setitem__(self, name, value):
        raise TypeError("use provide() method to update anvil.pluggable_ui")

    def __contains__(self, name):
        try:
            self[name]
        except KeyError:
            return False
        return True

    def get(self, name, default=None):
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self):
        return self._provided.keys()

    def __iter__(self):
        return iter(self._provided)

    def __len__(self):
        return len(self._provided)

    def _check(self, updates):
        if not isinstance(updates, dict):
            raise TypeError("updates must be a dict")
        for name in updates:
            if not isinstance(name, str):
                raise TypeError("keys of pluggable_ui must be strings")

    def provide(self, package_name, updates):
        """Put components in place of others, and tell the listeners of those names."""
        self._check(updates)
        self._provided.update(updates)
        for name, listener in list(self._listeners):
            if name.endswith("*"):
                own = {key: value for key, value in updates.items() if key.startswith(name[:-1])}
            else:
                own = {key: value for key, value in updates.items() if key == name}
            if own:
                listener(own, provider=package_name)

    def provide_defaults(self, package_name, updates):
        """Give components for names that nobody has provided."""
        self._check(updates)
        for name, value in updates.items():
            if name not in self:
                self._provided[name] = value

    def add_listener(self, name, listener):
        """Call ``listener(updates, provider=package)`` when ``name`` (or ``prefix*``) is
        provided."""
        self._listeners.append((name, listener))
        return listener

    def remove_listener(self, listener):
        self._listeners = [entry for entry in self._listeners if entry[1] is not listener]

    def __repr__(self):
        return f"PluggableUI({self._provided!r})"


pluggable_ui = PluggableUI()
