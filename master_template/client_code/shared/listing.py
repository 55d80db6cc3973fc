"""What lists share: search and filters in the address, one page at a time.

A form that has a list stands on the names of its template: components `rp_items`, `state`,
`btn_previous`, `btn_next`; dom nodes `row_head`, `subtitle`, `pager`, `range`.
"""

from anvil.js import window

from . import api, formatting, navigation_helpers

DEBOUNCE_MS = 250
PAGE_SIZE = 25


class Listing:
    """The list of one form.

    `function` is asked with `page_size`, `offset` and what `controls` say; its answer has `total`
    and the items under the name `items`. `controls` maps a filter to its component (a DropdownMenu,
    a TextBox for `search`, or a Checkbox); `fixed` are arguments that no control changes. `words`
    has `one` and `many` of the things, `none` and `none_text` for an empty list.
    """

    def __init__(self, form, path, function, items, controls, words, fixed=None):
        self.form = form
        self.path = path
        self.function = function
        self.items = items
        self.controls = controls
        self.words = words
        self.fixed = fixed or {}
        self.answer = None
        self._asked = 0
        self._timer = None
        found = navigation_helpers.query()
        self.query = dict((name, found.get(name)) for name in controls)
        offset = found.get("offset") or ""
        self.offset = int(offset) if offset.isdigit() else 0
        self._wire()

    def _wire(self):
        form = self.form
        form.btn_previous.set_event_handler("click", self._previous)
        form.btn_next.set_event_handler("click", self._next)
        form.state.set_event_handler("action", self._action)
        for name, control in self.controls.items():
            if name == "search":
                control.set_event_handler("pressed_enter", self._search)
                control.set_event_handler("change", self._typed)
            else:
                control.set_event_handler("change", self._chosen)
        self._show_query()

    def _show_query(self):
        for name, control in self.controls.items():
            value = self.query[name]
            if name == "search":
                control.text = value or ""
            elif hasattr(control, "checked"):
                control.checked = bool(value)
            else:
                control.selected_value = value

    def _read(self, name):
        control = self.controls[name]
        if name == "search":
            return (control.text or "").strip() or None
        if hasattr(control, "checked"):
            return "1" if control.checked else None
        return control.selected_value

    def _arguments(self):
        given = {}
        for name, value in self.query.items():
            if value:
                given[name] = True if hasattr(self.controls[name], "checked") else value
        given.update(self.fixed)
        return given

    def start(self):
        """Load for the first time."""
        self.form.state.kind = "loading"
        self.load()

    def load(self):
        """Ask for the page that there should be and show it; an overtaken answer is dropped."""
        self._asked += 1
        asked = self._asked
        try:
            answer = api.call_quietly(
                self.function, offset=self.offset, page_size=PAGE_SIZE, **self._arguments()
            )
        except api.ApiError as error:
            if asked == self._asked:
                self._fail(error)
            return
        if asked != self._asked or not navigation_helpers.is_open(self.form):
            return
        if answer["total"] and not answer[self.items]:
            self.offset = 0  # The page is gone, as the list has become shorter.
            self.load()
            return
        values = dict(self.query, offset=self.offset)
        navigation_helpers.replace_address(navigation_helpers.with_query(self.path, values))
        self._show(answer)

    def _fail(self, error):
        form = self.form
        form.rp_items.items = []
        form.dom_nodes["row_head"].hidden = True
        form.dom_nodes["pager"].hidden = True
        form.dom_nodes["subtitle"].textContent = ""
        form.state.say("error", "The list could not be loaded", error.message, "Try again")

    def _show(self, answer):
        form, nodes = self.form, self.form.dom_nodes
        self.answer = answer
        items, total = answer[self.items], answer["total"]
        form.rp_items.items = items
        nodes["row_head"].hidden = not items
        nodes["subtitle"].textContent = formatting.plural(
            total, self.words["one"], self.words["many"]
        )
        nodes["pager"].hidden = total <= len(items)
        nodes["range"].textContent = "{} – {} of {}".format(
            formatting.number(self.offset + 1),
            formatting.number(self.offset + len(items)),
            formatting.number(total),
        )
        form.btn_previous.enabled = self.offset > 0
        form.btn_next.enabled = self.offset + len(items) < total
        if items:
            form.state.kind = "none"
        elif self.is_filtered():
            form.state.say(
                "empty",
                "Nothing matches",
                "No {} fits this search and these filters.".format(self.words["one"]),
                "Show all",
            )
        else:
            form.state.say("empty", self.words["none"], self.words["none_text"])

    def is_filtered(self):
        """Whether anything is searched or filtered for; the order is none of that."""
        return bool([name for name in self.query if name != "sort" and self.query[name]])

    def _action(self, **event_args):
        if self.form.state.kind != "error":
            self.query = dict((name, None) for name in self.query)
            self._show_query()
        self.offset = 0
        self.start()

    def _chosen(self, **event_args):
        for name in self.controls:
            self.query[name] = self._read(name)
        self.offset = 0
        self.load()

    def _typed(self, **event_args):
        self._stop_waiting()
        self._timer = window.setTimeout(self._search, DEBOUNCE_MS)

    def _search(self, *args, **event_args):
        self._stop_waiting()
        if self._read("search") != self.query["search"]:
            self._chosen()

    def _stop_waiting(self):
        if self._timer is not None:
            window.clearTimeout(self._timer)
            self._timer = None

    def _previous(self, **event_args):
        self._turn(-PAGE_SIZE)

    def _next(self, **event_args):
        self._turn(PAGE_SIZE)

    def _turn(self, step):
        self.offset = max(0, self.offset + step)
        self.load()
        window.scrollTo(0, 0)
