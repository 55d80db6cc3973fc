from ._anvil_designer import MetricCardTemplate

from ... import navigation_helpers

TONES = ("plain", "good", "attention")


class MetricCard(MetricCardTemplate):
    """One number that matters: `label`, `value`, and a `note` that says what to make of it.

    `icon` stands beside the label and `note_icon` beside the note; `tone` (`plain`, `good`,
    `attention`) colours the note. With an `address` the card is a link to what it counts.
    """

    def __init__(self, **properties):
        self._values = {"tone": "plain"}
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        self._draw()

    def show(self, value, note="", tone="plain", note_icon=""):
        """Set what changes with the figures, all at once."""
        self._values.update(value=value, note=note, tone=tone, note_icon=note_icon)
        self._draw()

    def _draw(self):
        if not self._ready:
            return
        nodes = self.dom_nodes
        nodes["label_node"].textContent = self.label
        nodes["value_node"].textContent = self.value
        nodes["note_node"].textContent = self.note
        nodes["note_line"].hidden = not self.note
        for name in ("icon", "note_icon"):
            node = nodes[name + "_node"]
            node.hidden = not self._values.get(name)
            if self._values.get(name):
                node.setAttribute("name", self._values[name])
        for tone in TONES:
            nodes["note_line"].classList.toggle(tone, tone == self.tone)
        if self.address:
            nodes["root"].href = self.address
        else:
            nodes["root"].removeAttribute("href")

    def _set(self, name, value):
        self._values[name] = value or ""
        self._draw()

    @property
    def label(self):
        return self._values.get("label", "")

    @label.setter
    def label(self, value):
        self._set("label", value)

    @property
    def value(self):
        return self._values.get("value", "")

    @value.setter
    def value(self, value):
        self._set("value", value)

    @property
    def note(self):
        return self._values.get("note", "")

    @note.setter
    def note(self, value):
        self._set("note", value)

    @property
    def icon(self):
        return self._values.get("icon", "")

    @icon.setter
    def icon(self, value):
        self._set("icon", value)

    @property
    def note_icon(self):
        return self._values.get("note_icon", "")

    @note_icon.setter
    def note_icon(self, value):
        self._set("note_icon", value)

    @property
    def tone(self):
        return self._values["tone"]

    @tone.setter
    def tone(self, value):
        self._set("tone", value if value in TONES else "plain")

    @property
    def address(self):
        return self._values.get("address", "")

    @address.setter
    def address(self, value):
        self._set("address", value)

    def root_click(self, event):
        if self.address:
            navigation_helpers.follow(event, self.address)
