"""What lists share: search and filters in the address, one page at a time.

A form that has a list stands on the names of its template: components `rp_items`, `state` and
`pager` (a `Pager`); dom nodes `row_head` and `subtitle`. One with a pager of its own has, in its
place, `btn_previous`, `btn_next`, and `btn_first` and `btn_last` if there are any, and dom nodes
`pager` and `range`.
"""

import json

from anvil.js import window

from . import api, formatting, navigation_helpers

DEBOUNCE_MS = 250
PLACES = ("after", "before", "last_page")
PAGE_SIZE = 25


class Listing:
    """The list of one form.

    `function` is asked with `page_size`, `offset` and what `controls` say; its answer has `total`
    and the items under the name `items`. `controls` maps a filter to its component (a DropdownMenu,
    a TextBox for `search`, or a Checkbox; or something with `values`, a dict of several arguments);
    `fixed` are arguments that no control changes. `words` has `one` and `many` of the things,
    `none` and `none_text` for an empty list, and may have `no_match`, `no_match_text`, `show_all`,
    and `none_action` for a button that calls `on_empty()`.

    With `cursors` the function takes one dict, and its answer has `offset`, `next` and `previous`:
    pages are found by `after` or `before` one of these, or by `last_page`. `headings` maps an order
    to (dom node of the column's heading, whether it begins with the smallest); it is turned around
    by `reverse`. `adapt(arguments)` and `prepare(items)` give what is asked and shown instead, and
    `on_show(answer)` is called when a page is there. `first()` reads what the form needs before its
    list, and may raise `ApiError`; `words` then names it in `what`.
    """

    def __init__(
        self,
        form,
        path,
        function,
        items,
        controls,
        words,
        fixed=None,
        cursors=False,
        headings=None,
        adapt=None,
        prepare=None,
        on_show=None,
        on_empty=None,
        first=None,
    ):
        self.form = form
        self.path = path
        self.function = function
        self.items = items
        self.controls = controls
        self.words = words
        self.fixed = fixed or {}
        self.cursors = cursors
        self.headings = headings or {}
        self.adapt = adapt
        self.prepare = prepare
        self.on_show = on_show
        self.on_empty = on_empty
        self.first = first
        self.answer = None
        self._asked = 0
        self._timer = None
        found = navigation_helpers.query()
        self.query = dict((name, found.get(name)) for name in controls)
        if self.headings:
            self.query["reverse"] = found.get("reverse")
        self.place = {}
        for name in PLACES:
            if cursors and found.get(name):
                self.place = {name: found[name]}
        offset = found.get("offset") or ""
        self.offset = int(offset) if offset.isdigit() else 0
        self.pager = getattr(form, "pager", form)
        self._wire()

    def _wire(self):
        form, pager = self.form, self.pager
        pager.btn_previous.set_event_handler("click", self._previous)
        pager.btn_next.set_event_handler("click", self._next)
        if self.cursors:
            pager.btn_first.set_event_handler("click", self._first)
            pager.btn_last.set_event_handler("click", self._last)
        for order in self.headings:
            self._wire_heading(order)
        form.state.set_event_handler("action", self._action)
        for name, control in self.controls.items():
            if name == "search":
                control.set_event_handler("pressed_enter", self._search)
                control.set_event_handler("change", self._typed)
            else:
                control.set_event_handler("change", self._chosen)
        self._show_query()

    def _wire_heading(self, order):
        def press(event):
            self.sort_by(order)

        self.form.dom_nodes[self.headings[order][0]].querySelector("button").addEventListener(
            "click", press
        )

    def sort_by(self, order):
        """Sort by a column; by the one that it is sorted by already, the other way round."""
        is_again = order == self._order()
        self.query["sort"] = order
        self.query["reverse"] = "1" if is_again and not self.query["reverse"] else None
        self._show_query()
        self._begin()

    def _order(self):
        return self.query.get("sort") or (list(self.headings)[0] if self.headings else None)

    def _show_headings(self):
        for order, (name, is_ascending) in self.headings.items():
            node = self.form.dom_nodes[name]
            if order != self._order():
                node.removeAttribute("aria-sort")
            else:
                goes_up = is_ascending != bool(self.query["reverse"])
                node.setAttribute("aria-sort", "ascending" if goes_up else "descending")

    def set_query(self, query):
        """Ask for something else altogether: a dict of what the controls say. The first page of it
        appears."""
        self.query = dict((name, query.get(name)) for name in self.query)
        self._show_query()
        self._begin()

    def _show_query(self):
        self._show_headings()
        for name, control in self.controls.items():
            value = self.query[name]
            if hasattr(control, "values"):
                control.values = _values_of(value)
            elif name == "search":
                control.text = value or ""
            elif hasattr(control, "checked"):
                control.checked = bool(value)
            else:
                control.selected_value = value

    def _read(self, name):
        control = self.controls[name]
        if hasattr(control, "values"):
            return self.text_of(control)
        if name == "search":
            return (control.text or "").strip() or None
        if hasattr(control, "checked"):
            return "1" if control.checked else None
        return control.selected_value

    def _arguments(self):
        given = {}
        for name, value in self.query.items():
            control = self.controls.get(name)
            if not value:
                continue
            if hasattr(control, "values"):
                given.update(_values_of(value))
            else:
                given[name] = True if control is None or hasattr(control, "checked") else value
        given.update(self.fixed)
        return self.adapt(given) if self.adapt else given

    def text_of(self, control):
        """What a control with several values says, as it stands in the address."""
        return json.dumps(control.values) if control.values else None

    def arguments(self):
        """What is searched, filtered and sorted for now, as the function takes it."""
        return self._arguments()

    def _ask(self):
        if not self.cursors:
            return api.call_quietly(
                self.function, offset=self.offset, page_size=PAGE_SIZE, **self._arguments()
            )
        asked = dict(self._arguments(), page_size=PAGE_SIZE)
        for name, value in self.place.items():
            asked[name] = True if name == "last_page" else value
        answer = api.call_quietly(self.function, asked)
        self.offset = answer["offset"]
        return answer

    def start(self):
        """Load for the first time."""
        self.form.state.kind = "loading"
        self.load()

    def load(self):
        """Ask for the page that there should be and show it; an overtaken answer is dropped."""
        self._asked += 1
        asked = self._asked
        try:
            if self.first is not None:
                self.first()
                self.first = None
            answer = self._ask()
        except api.ApiError as error:
            if asked == self._asked:
                self._fail(error)
            return
        if asked != self._asked or not navigation_helpers.is_open(self.form):
            return
        if answer["total"] and not answer[self.items]:
            self.offset = 0  # The page is gone, as the list has become shorter.
            self.place = {}
            self.load()
            return
        values = dict(self.query, **(self.place or {"offset": self.offset}))
        if self.cursors:
            values.pop("offset", None)
        navigation_helpers.replace_address(navigation_helpers.with_query(self.path, values))
        self._show(answer)

    def _fail(self, error):
        form = self.form
        form.rp_items.items = []
        form.dom_nodes["row_head"].hidden = True
        self.pager.dom_nodes["pager"].hidden = True
        form.dom_nodes["subtitle"].textContent = ""
        if self.first is not None:
            form.state.did_not_load(self.words["what"], error)
        else:
            form.state.say("error", "The list could not be loaded", error.message, "Try again")

    def _show(self, answer):
        form, nodes = self.form, self.form.dom_nodes
        self.answer = answer
        items, total = answer[self.items], answer["total"]
        form.rp_items.items = self.prepare(items) if self.prepare else items
        nodes["row_head"].hidden = not items
        nodes["subtitle"].textContent = formatting.plural(
            total, self.words["one"], self.words["many"]
        )
        pager = self.pager
        pager.dom_nodes["pager"].hidden = total <= len(items)
        pager.dom_nodes["range"].textContent = "{} – {} of {}".format(
            formatting.number(self.offset + 1),
            formatting.number(self.offset + len(items)),
            formatting.number(total),
        )
        if self.cursors:
            pager.btn_first.enabled = pager.btn_previous.enabled = bool(answer["previous"])
            pager.btn_last.enabled = pager.btn_next.enabled = bool(answer["next"])
        else:
            pager.btn_previous.enabled = self.offset > 0
            pager.btn_next.enabled = self.offset + len(items) < total
        if self.on_show:
            self.on_show(answer)
        words = self.words
        if items:
            form.state.kind = "none"
        elif self.is_filtered():
            form.state.say(
                "empty",
                words.get("no_match", "Nothing matches"),
                words.get(
                    "no_match_text",
                    "No {} fits this search and these filters.".format(words["one"]),
                ),
                words.get("show_all", "Show all"),
            )
        else:
            action = words.get("none_action", "")
            form.state.say("empty", words["none"], words["none_text"], action)

    def is_filtered(self):
        """Whether anything is searched or filtered for; the order is none of that."""
        order = ("sort", "reverse")
        return bool([name for name in self.query if name not in order and self.query[name]])

    def _action(self, **event_args):
        if self.form.state.kind != "error":
            if self.on_empty and not self.is_filtered():
                self.on_empty()
                return
            self.query = dict((name, None) for name in self.query)
            self._show_query()
        self.offset = 0
        self.place = {}
        self.start()

    def _chosen(self, **event_args):
        before = self.query.get("sort")
        for name in self.controls:
            self.query[name] = self._read(name)
        if self.headings and self.query.get("sort") != before:
            self.query["reverse"] = None
        self._show_headings()
        self._begin()

    def _begin(self):
        """Show the first page."""
        self.offset = 0
        self.place = {}
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

    def _first(self, **event_args):
        self._turn(0, {})

    def _last(self, **event_args):
        self._turn(0, {"last_page": "1"})

    def _previous(self, **event_args):
        self._turn(-PAGE_SIZE, {"before": self.answer.get("previous")})

    def _next(self, **event_args):
        self._turn(PAGE_SIZE, {"after": self.answer.get("next")})

    def _turn(self, step, place):
        if self.cursors:
            self.place = place
        else:
            self.offset = max(0, self.offset + step)
        self.load()
        window.scrollTo(0, 0)


def _values_of(text):
    """What a control with several values says, of its text in the address; {} of a damaged one."""
    try:
        values = json.loads(text or "{}")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
