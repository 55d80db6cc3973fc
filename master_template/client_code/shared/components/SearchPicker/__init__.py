from ._anvil_designer import SearchPickerTemplate

from anvil.js import window

MAX_SHOWN = 60
DEBOUNCE_MS = 250

_counter = {"last": 0}


class SearchPicker(SearchPickerTemplate):
    """One of a long list, found by typing: the combobox of the ARIA Authoring Practices.

    `items` are (text, value), or (text, value, more words to find it by). `selected_value` is the
    chosen value or None; event `change` tells of a choice that a person made. What is typed and
    chosen from nothing is put back when the field is left.

    Where there are too many for a list, `look_up` has the items for what is typed found anew.
    """

    def __init__(self, **properties):
        self._items = []
        self._value = None
        self._label = ""
        self._text = ""
        self._error = False
        self._enabled = True
        self._matches = []
        self._active = -1
        self._find = None
        self._timer = None
        self._asked = 0
        self._known = {}
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        _counter["last"] += 1
        self._id = "mb-picker-" + str(_counter["last"])
        nodes = self.dom_nodes
        nodes["list"].id = self._id
        nodes["hint"].id = self._id + "-hint"
        nodes["input"].setAttribute("aria-controls", self._id)
        nodes["input"].setAttribute("aria-describedby", self._id + "-hint")
        self._draw()

    # What a form sees.

    @property
    def items(self):
        return self._items

    @items.setter
    def items(self, value):
        rows = []
        for row in value or []:
            words = row[0].lower() + " " + (row[2].lower() if len(row) > 2 else "")
            rows.append((row[0], row[1], words))
        self._items = rows
        self._draw()

    @property
    def selected_value(self):
        return self._value

    @selected_value.setter
    def selected_value(self, value):
        self._value = value
        self._draw()

    @property
    def label(self):
        return self._label

    @label.setter
    def label(self, value):
        self._label = value or ""
        self._draw()

    @property
    def supporting_text(self):
        return self._text

    @supporting_text.setter
    def supporting_text(self, value):
        self._text = value or ""
        self._draw()

    @property
    def error(self):
        return self._error

    @error.setter
    def error(self, value):
        self._error = bool(value)
        self._draw()

    @property
    def enabled(self):
        return self._enabled

    @enabled.setter
    def enabled(self, value):
        self._enabled = bool(value)
        self._draw()

    def look_up(self, find):
        """Have `find(text)` give the items for what is typed, '' for those to begin with."""
        self._find = find

    def remember(self, value, text):
        """Show a value by this text that no item may have."""
        self._known[value] = text
        self._draw()

    def focus(self):
        """Set the keyboard focus to the field."""
        self.dom_nodes["input"].focus()

    # How it looks.

    def _draw(self):
        if not self._ready:
            return
        nodes = self.dom_nodes
        text = self._text_of(self._value)
        nodes["field"].label = self._label
        nodes["field"].error = self._error
        nodes["field"].disabled = not self._enabled
        # Material's field, unlike its inputs, does not show this state as an attribute itself.
        nodes["field"].toggleAttribute("disabled", not self._enabled)
        nodes["field"].populated = bool(text) or self._is_focused()
        nodes["hint"].textContent = self._text
        nodes["hint"].classList.toggle("error", self._error)
        field = nodes["input"]
        field.setAttribute("aria-label", self._label)
        field.setAttribute("aria-invalid", "true" if self._error else "false")
        field.disabled = not self._enabled
        if not self._is_focused():
            field.value = text

    def _is_focused(self):
        return bool(self.dom_nodes["root"].contains(window.document.activeElement))

    def _text_of(self, value):
        for row in self._items:
            if row[1] == value:
                return row[0]
        return self._known.get(value, "" if value is None else str(value))

    def _open(self, typed):
        """Show what goes with the typed text, or all for ''."""
        words = typed.lower().split()
        matches = self._items
        if self._find is None:
            matches = [row for row in self._items if all(word in row[2] for word in words)]
        self._matches = matches[:MAX_SHOWN]
        chosen = [index for index, row in enumerate(self._matches) if row[1] == self._value]
        nodes = self.dom_nodes
        nodes["list"].replaceChildren()
        for index, row in enumerate(self._matches):
            line = window.document.createElement("li")
            line.id = self._id + "-" + str(index)
            line.setAttribute("role", "option")
            line.setAttribute("aria-selected", "true" if index in chosen else "false")
            line.dataset.index = str(index)
            line.textContent = row[0]
            nodes["list"].append(line)
        if len(matches) > MAX_SHOWN or not matches:
            note = window.document.createElement("li")
            note.className = "mb-picker-note"
            note.setAttribute("role", "presentation")
            note.textContent = "Keep typing to see others" if matches else "Nothing goes with this"
            nodes["list"].append(note)
        nodes["list"].hidden = False
        nodes["input"].setAttribute("aria-expanded", "true")
        found = 0 if words else (chosen[0] if chosen else -1)
        self._activate(found if self._matches else -1)

    def _close(self):
        self._activate(-1)
        self.dom_nodes["list"].hidden = True
        self.dom_nodes["input"].setAttribute("aria-expanded", "false")

    def _is_open(self):
        return not self.dom_nodes["list"].hidden

    def _activate(self, index):
        nodes = self.dom_nodes
        for line in list(nodes["list"].querySelectorAll(".active")):
            line.classList.remove("active")
        self._active = index
        if index < 0:
            nodes["input"].removeAttribute("aria-activedescendant")
            return
        line = nodes["list"].children[index]
        line.classList.add("active")
        nodes["input"].setAttribute("aria-activedescendant", line.id)
        line.scrollIntoView({"block": "nearest"})

    def _choose(self, index):
        row = self._matches[index]
        self._close()
        self.dom_nodes["input"].value = row[0]
        self._known[row[1]] = row[0]
        if row[1] != self._value:
            self._value = row[1]
            self._draw()
            self.raise_event("x-choose")
            self.raise_event("change")

    # What a person does.

    def input_input(self, event):
        if self._find is None:
            self._open(self.dom_nodes["input"].value)
            return
        if self._timer is not None:
            window.clearTimeout(self._timer)
        self._timer = window.setTimeout(self._look, DEBOUNCE_MS)

    def _look(self):
        """Find what goes with the typed text; an overtaken answer is dropped."""
        self._timer = None
        self._asked += 1
        asked, typed = self._asked, self.dom_nodes["input"].value
        items = self._find(typed)
        if asked == self._asked and self._is_focused():
            self.items = items
            self._open(typed)

    def input_click(self, event):
        if not self._is_open():
            self._open_all()

    def _open_all(self):
        self.dom_nodes["input"].select()  # what is typed next replaces the choice
        if self._find is not None and not self._items:
            self.items = self._find("")
        self._open("")

    def input_keydown(self, event):
        key = event.key
        if key in ("ArrowDown", "ArrowUp"):
            event.preventDefault()
            if not self._is_open():
                self._open_all()
            elif self._matches:
                step = 1 if key == "ArrowDown" else -1
                start = -1 if self._active < 0 and step > 0 else self._active
                self._activate((start + step) % len(self._matches))
        elif key == "Enter" and self._is_open():
            event.preventDefault()
            if self._active >= 0:
                self._choose(self._active)
        elif key == "Escape" and self._is_open():
            event.preventDefault()
            event.stopPropagation()
            self._close()
            self.dom_nodes["input"].value = self._text_of(self._value)
            self.dom_nodes["input"].select()

    def list_pointerdown(self, event):
        event.preventDefault()  # the field keeps the focus

    def list_click(self, event):
        line = event.target.closest("[data-index]")
        if line:
            self._choose(int(line.dataset.index))

    def root_focusin(self, event):
        nodes = self.dom_nodes
        nodes["field"].focused = True
        nodes["field"].populated = True

    def root_focusout(self, event):
        nodes = self.dom_nodes
        if nodes["root"].contains(event.relatedTarget):
            return
        typed = nodes["input"].value.strip().lower()
        same = [i for i, row in enumerate(self._matches) if row[0].lower() == typed]
        if self._is_open() and typed and (same or len(self._matches) == 1):
            # What was typed can mean nothing else.
            self._choose(same[0] if same else 0)
        self._close()
        nodes["field"].focused = False
        text = self._text_of(self._value)
        nodes["input"].value = text
        nodes["field"].populated = bool(text)
