from ._anvil_designer import ChipPickerTemplate

from anvil import handle

from ...shared import chips


class ChipPicker(ChipPickerTemplate):
    """Several of a list: found by typing, shown as chips that can be taken out.

    `items` are those of a SearchPicker, `values` what is chosen, in the order of choosing. Event
    `change` tells that a person changed it.
    """

    def __init__(self, **properties):
        self._label = ""
        self._items = []
        self._values = []
        self._enabled = True
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        self._draw()

    @property
    def label(self):
        return self._label

    @label.setter
    def label(self, value):
        self._label = value or ""
        self._draw()

    @property
    def items(self):
        return self._items

    @items.setter
    def items(self, value):
        self._items = list(value or [])
        self._draw()

    @property
    def values(self):
        return list(self._values)

    @values.setter
    def values(self, value):
        self._values = list(value or [])
        self._draw()

    @property
    def enabled(self):
        return self._enabled

    @enabled.setter
    def enabled(self, value):
        self._enabled = bool(value)
        self._draw()

    def _draw(self):
        if not self._ready:
            return
        nodes = self.dom_nodes
        nodes["root"].setAttribute("aria-label", self._label)
        self.picker.label = self._label
        self.picker.enabled = self._enabled
        self.picker.items = [row for row in self._items if row[1] not in self._values]
        names = dict((row[1], row[0]) for row in self._items)
        pairs = [(value, names.get(value, value)) for value in self._values]
        chips.draw(nodes["list"], pairs, self._remove if self._enabled else None)

    def _remove(self, value):
        self._values = [one for one in self._values if one != value]
        self._draw()
        self.picker.focus()
        self.raise_event("change")

    @handle("picker", "change")
    def picker_change(self, **event_args):
        value = self.picker.selected_value
        if value and value not in self._values:
            self._values.append(value)
            self.picker.selected_value = None
            self._draw()
            self.raise_event("change")
