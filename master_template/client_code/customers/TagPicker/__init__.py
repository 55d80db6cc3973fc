from ._anvil_designer import TagPickerTemplate

from anvil.js import window

from ...shared import chips

_counter = {"last": 0}


class TagPicker(TagPickerTemplate):
    """Some tags: typed or chosen from those that there are, each with a button that takes it away.

    `tags` is the list, `items` what is suggested; event `change` tells of what a person did. Enter,
    a comma and leaving the field add what is typed.
    """

    def __init__(self, **properties):
        self._tags = []
        self._items = []
        self._label = ""
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        _counter["last"] += 1
        name = "mb-tags-{}".format(_counter["last"])
        nodes = self.dom_nodes
        nodes["options"].id = name + "-options"
        nodes["input"].setAttribute("list", name + "-options")
        nodes["input"].id = name
        nodes["label_node"].htmlFor = name
        nodes["label_node"].textContent = self._label
        self._draw_options()
        self._draw()

    @property
    def tags(self):
        return list(self._tags)

    @tags.setter
    def tags(self, value):
        self._tags = list(value or [])
        self._draw()

    @property
    def items(self):
        return self._items

    @items.setter
    def items(self, value):
        self._items = list(value or [])
        self._draw_options()

    @property
    def label(self):
        return self._label

    @label.setter
    def label(self, value):
        self._label = value or ""
        if self._ready:
            self.dom_nodes["label_node"].textContent = self._label

    def focus(self):
        """Set the keyboard focus to the field."""
        self.dom_nodes["input"].focus()

    def take_typed(self):
        """Add what is typed and not added yet; give whether there was anything."""
        node = self.dom_nodes["input"]
        wanted = [part.strip() for part in (node.value or "").split(",")]
        node.value = ""
        fresh = [tag for tag in wanted if tag and tag not in self._tags]
        for tag in fresh:
            self._tags.append(tag)
        self._draw()
        return bool(fresh)

    def _draw_options(self):
        if not self._ready:
            return
        holder = self.dom_nodes["options"]
        holder.textContent = ""
        for tag in self._items:
            option = window.document.createElement("option")
            option.value = tag
            holder.append(option)

    def _draw(self):
        if not self._ready:
            return
        chips.draw(self.dom_nodes["chips"], [(tag, tag) for tag in self._tags], self._remove)

    def _remove(self, tag):
        self._tags = [other for other in self._tags if other != tag]
        self._draw()
        self.focus()
        self.raise_event("change")

    def _add(self):
        if self.take_typed():
            self.raise_event("change")

    def input_keydown(self, event):
        if event.key == "Enter" or event.key == ",":
            event.preventDefault()
            self._add()
        elif event.key == "Backspace" and not self.dom_nodes["input"].value and self._tags:
            self._remove(self._tags[-1])

    def input_change(self, event):
        # Chosen from the list, or the field is left.
        self._add()
