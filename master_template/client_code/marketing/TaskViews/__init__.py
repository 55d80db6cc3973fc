from ._anvil_designer import TaskViewsTemplate

from anvil.js import window

from ...shared import formatting

VIEWS = [
    ("open", "All open"),
    ("overdue", "Overdue"),
    ("today", "Today"),
    ("week", "Next 7 days"),
    ("done", "Done"),
]


class TaskViews(TaskViewsTemplate):
    """Buttons for which tasks a list shows, each with how many there are.

    `selected_value` is None (all open) or the name of another view; event `change` tells of a
    choice that a person made.
    """

    def __init__(self, **properties):
        self._value = None
        self._buttons = {}
        self.init_components(**properties)
        for name, text in VIEWS:
            self._add(name, text)
        self._draw()

    def _add(self, name, text):
        button = window.document.createElement("button")
        button.type = "button"
        button.className = "mb-view " + name
        label = window.document.createElement("span")
        label.textContent = text
        count = window.document.createElement("span")
        count.className = "mb-view-count"
        button.append(label, count)
        button.addEventListener("click", lambda event: self._choose(name))
        self.dom_nodes["root"].append(button)
        self._buttons[name] = button

    @property
    def selected_value(self):
        return self._value

    @selected_value.setter
    def selected_value(self, value):
        self._value = value if value in self._buttons and value != "open" else None
        self._draw()

    def show_counts(self, counts):
        """Show how many tasks each view has."""
        for name, button in self._buttons.items():
            count = counts.get(name, 0)
            button.lastChild.textContent = formatting.number(count)
            button.classList.toggle("none", not count)

    def _draw(self):
        for name, button in self._buttons.items():
            is_chosen = name == (self._value or "open")
            button.setAttribute("aria-pressed", "true" if is_chosen else "false")

    def _choose(self, name):
        self.selected_value = name
        self.raise_event("change")
