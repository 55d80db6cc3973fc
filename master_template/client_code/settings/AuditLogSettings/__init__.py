from ._anvil_designer import AuditLogSettingsTemplate

import datetime

from anvil import Notification, handle, media
from anvil.js import window

from ...shared import api, form_fields, formatting, navigation_helpers
from .. import audit_texts

PATH = "/app/settings/audit"
PAGE_SIZE = 25
DEBOUNCE_MS = 300
# As in mybizz-audit.css: from here on there is room for the filters above the log.
WIDE = "(min-width: 600px)"

# What a page of the log is: kept in the address, so that reload and a shared link find it.
FILTERS = ("person", "resource_type", "action", "resource_id", "since", "until")
COMPONENTS = {
    "person": "txt_person",
    "resource_id": "txt_resource",
    "since": "dp_since",
    "until": "dp_until",
}


def _day(text):
    """The date of `2026-03-14`, or None for anything else."""
    try:
        year, month, day = [int(part) for part in text.split("-")]
        return datetime.date(year, month, day)
    except (AttributeError, ValueError):
        return None


class AuditLogSettings(AuditLogSettingsTemplate):
    """Who did what: filters, pages, and each entry with what it was before and after."""

    def __init__(self, **properties):
        found = navigation_helpers.query()
        self.query = dict((name, found.get(name)) for name in FILTERS)
        for name in ("since", "until"):
            if _day(self.query[name]) is None:
                self.query[name] = None
        self.after = found.get("after")
        # The cursors of the pages before this one, to get back by.
        self.newer = []
        self._older = None
        self._asked = 0
        self._timer = None
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        self._offer([], [])
        self._show_query()
        # On a phone they would push the log itself off the page.
        is_wide = window.matchMedia(WIDE).matches
        self.dom_nodes["more"].open = is_wide or bool(self._filters())

    def _offer(self, things, actions):
        """Fill the menus; what the address names is offered even if the log does not know it."""
        menus = (
            (self.dd_thing, "resource_type", things, audit_texts.thing_name, "Anything"),
            (self.dd_action, "action", actions, audit_texts.action_name, "Any action"),
        )
        for menu, name, words, text_of, whatever in menus:
            wanted = set(words)
            if self.query[name]:
                wanted.add(self.query[name])
            items = [(whatever, None)]
            items += sorted([(text_of(word), word) for word in wanted])
            if menu.items != items:
                menu.items = items
                menu.selected_value = self.query[name]

    def _show_query(self):
        query = self.query
        self.txt_person.text = query["person"] or ""
        self.txt_resource.text = query["resource_id"] or ""
        self.dd_thing.selected_value = query["resource_type"]
        self.dd_action.selected_value = query["action"]
        self.dp_since.date = _day(query["since"])
        self.dp_until.date = _day(query["until"])

    def _filters(self):
        return dict((name, value) for name, value in self.query.items() if value)

    def load(self):
        """Ask for the page that the filters describe; an overtaken answer is dropped."""
        self._asked += 1
        asked = self._asked
        if not self.rp_entries.items:
            self.state.kind = "loading"
        query = dict(self._filters(), page_size=PAGE_SIZE)
        if self.after:
            query["after"] = self.after
        try:
            answer = api.call_quietly("list_audit_entries", query)
        except api.ApiError as error:
            if asked == self._asked:
                self._show_error(error)
            return
        if asked == self._asked and navigation_helpers.current_path() == PATH:
            self._show(answer)

    def _show_error(self, error):
        self.rp_entries.items = []
        self.dom_nodes["pager"].hidden = True
        self.dom_nodes["count"].textContent = ""
        if error.code == "invalid":
            self.after = None  # a cursor that somebody has damaged
        if form_fields.show_errors(self, COMPONENTS, error.fields) or not error.fields:
            self.state.say("error", "The log could not be loaded", error.message, "Try again")
        else:
            self.state.say("empty", "Nothing to show", "Please look at the filters above.")

    def _show(self, answer):
        address = dict(self.query, after=self.after)
        navigation_helpers.replace_address(navigation_helpers.with_query(PATH, address))
        form_fields.show_errors(self, COMPONENTS, {})
        self._offer(answer["resource_types"], answer["actions"])
        entries, total = answer["entries"], answer["total"]
        self._older = answer["next"]
        self.rp_entries.items = entries
        self.dom_nodes["count"].textContent = formatting.plural(total, "entry", "entries")
        self.dom_nodes["pager"].hidden = not (self.after or self._older)
        self.btn_newest.enabled = bool(self.after)
        self.btn_newer.enabled = bool(self.newer)
        self.btn_older.enabled = bool(self._older)
        self.btn_clear.visible = bool(self._filters())
        self.btn_export.enabled = total > 0
        if entries:
            self.state.kind = "none"
        else:
            self.state.say(
                "empty",
                "Nothing was found",
                "No entry fits these filters." if self._filters() else "Nothing has happened yet.",
                "Clear filters" if self._filters() else "",
            )

    @handle("state", "action")
    def state_action(self, **event_args):
        if self.state.kind == "error":
            self._turn(self.after)
        else:
            self.btn_clear_click()

    def _filter(self, **changes):
        """Change what is looked for; the first page of it appears."""
        if all([(self.query[name] or None) == (changes[name] or None) for name in changes]):
            return
        self.query.update(changes)
        self.after = None
        self.newer = []
        self.load()

    @handle("txt_person", "change")
    @handle("txt_resource", "change")
    def text_change(self, **event_args):
        if self._timer is not None:
            window.clearTimeout(self._timer)
        self._timer = window.setTimeout(self._search, DEBOUNCE_MS)

    @handle("txt_person", "pressed_enter")
    @handle("txt_resource", "pressed_enter")
    def text_pressed_enter(self, **event_args):
        self._search()

    def _search(self):
        if self._timer is not None:
            window.clearTimeout(self._timer)
            self._timer = None
        self._filter(
            person=(self.txt_person.text or "").strip(),
            resource_id=(self.txt_resource.text or "").strip(),
        )

    @handle("dd_thing", "change")
    def dd_thing_change(self, **event_args):
        self._filter(resource_type=self.dd_thing.selected_value)

    @handle("dd_action", "change")
    def dd_action_change(self, **event_args):
        self._filter(action=self.dd_action.selected_value)

    @handle("dp_since", "change")
    @handle("dp_until", "change")
    def day_change(self, **event_args):
        days = (("since", self.dp_since.date), ("until", self.dp_until.date))
        self._filter(**dict((name, day.isoformat() if day else None) for name, day in days))

    @handle("btn_clear", "click")
    def btn_clear_click(self, **event_args):
        self.query = dict((name, None) for name in FILTERS)
        self.after = None
        self.newer = []
        self._show_query()
        self.load()
        if self.dom_nodes["more"].open:
            self.txt_person.focus()

    def _turn(self, after):
        self.after = after
        self.load()
        self.dom_nodes["count"].scrollIntoView({"block": "nearest"})

    @handle("btn_newest", "click")
    def btn_newest_click(self, **event_args):
        self.newer = []
        self._turn(None)

    @handle("btn_newer", "click")
    def btn_newer_click(self, **event_args):
        self._turn(self.newer.pop())

    @handle("btn_older", "click")
    def btn_older_click(self, **event_args):
        self.newer.append(self.after)
        self._turn(self._older)

    @handle("btn_export", "click")
    def btn_export_click(self, **event_args):
        self.btn_export.enabled = False
        try:
            answer = api.call("export_audit_log", self._filters())
        except api.ApiError as error:
            Notification(error.message, title="Not downloaded", style="danger").show()
            return
        finally:
            self.btn_export.enabled = True
        media.download(answer["file"])
