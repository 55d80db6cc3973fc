from ._anvil_designer import ContactListFormTemplate

from anvil import handle
from anvil.js import window

from ...shared import api, formatting, navigation_helpers, session

PATH = "/app/contacts"
DEBOUNCE_MS = 250
PAGE_SIZE = 25

DELETED = "deleted"
STATUS_ITEMS = [("Any status", None)] + [
    (formatting.STATUS_NAMES[word], word) for word in ("lead", "customer", "inactive")
]
STATUS_ITEMS.append(("Deleted", DELETED))
LIFECYCLE_ITEMS = [("Any stage", None)] + [
    (formatting.LIFECYCLE_NAMES[word], word) for word in ("new", "active", "at_risk", "lost")
]
SOURCE_ITEMS = [("Any source", None)] + [
    (formatting.SOURCE_NAMES[word], word) for word in formatting.SOURCE_NAMES
]
SORT_ITEMS = [
    ("Name", "name"),
    ("Newest first", "newest"),
    ("Last contact", "last_contact"),
    ("Spent most", "spent"),
    ("Number", "number"),
]
FILTERS = ("status", "lifecycle_stage", "tag", "source")
# What a page of the list is: kept in the address, so that reload, back and a shared link find it.
IN_ADDRESS = (
    "search",
    "status",
    "lifecycle_stage",
    "tag",
    "source",
    "sort",
    "after",
    "before",
    "last_page",
)


class ContactListForm(ContactListFormTemplate):
    """All contacts: search, filters, order and pages."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Contacts")
        found = navigation_helpers.query()
        self.query = dict((name, found.get(name)) for name in IN_ADDRESS)
        self._asked = 0
        self._timer = None
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")
        self.btn_new.visible = session.may("customers.manage")
        self.dd_status.items = STATUS_ITEMS
        self.dd_lifecycle.items = LIFECYCLE_ITEMS
        self.dd_tag.items = [("Any tag", None)]
        self.dd_source.items = SOURCE_ITEMS
        self.dd_sort.items = SORT_ITEMS
        self._show_query()
        self._open_filters(bool(self._filters_set()))

    def _show_query(self):
        query = self.query
        self.txt_search.text = query["search"] or ""
        self.dd_status.selected_value = query["status"]
        self.dd_lifecycle.selected_value = query["lifecycle_stage"]
        self.dd_source.selected_value = query["source"]
        self.dd_sort.selected_value = query["sort"] or "name"

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.state.kind = "loading"
        self.load()
        self._load_tags()

    def _load_tags(self):
        try:
            tags = api.call_quietly("list_contact_tags")["tags"]
        except api.ApiError:
            return  # The list itself says what is wrong; without tags there is one filter less.
        self.dd_tag.items = [("Any tag", None)] + [(tag, tag) for tag in tags]
        self.dd_tag.selected_value = self.query["tag"]

    def _server_query(self):
        query = dict((name, value) for name, value in self.query.items() if value)
        if query.get("status") == DELETED:
            del query["status"]
            query["deleted"] = True
        query["last_page"] = bool(query.get("last_page"))
        query["page_size"] = PAGE_SIZE
        return query

    def load(self):
        """Ask for the page that `query` describes and show it; an overtaken answer is dropped."""
        self._asked += 1
        asked = self._asked
        try:
            answer = api.call_quietly("list_contacts", self._server_query())
        except api.ApiError as error:
            if asked == self._asked:
                self._show_error(error)
            return
        if asked != self._asked or not navigation_helpers.is_open(self):
            return
        navigation_helpers.replace_address(navigation_helpers.with_query(PATH, self.query))
        self._show(answer)

    def _show_error(self, error):
        self.rp_contacts.items = []
        self.dom_nodes["row_head"].hidden = True
        self.dom_nodes["pager"].hidden = True
        self.dom_nodes["subtitle"].textContent = ""
        self.state.say("error", "The list could not be loaded", error.message, "Try again")

    def _show(self, answer):
        contacts, total, offset = answer["contacts"], answer["total"], answer["offset"]
        nodes = self.dom_nodes
        self.rp_contacts.items = contacts
        nodes["row_head"].hidden = not contacts
        count = self._filters_set()
        nodes["toggle_text"].textContent = "Filters ({})".format(count) if count else "Filters"
        nodes["subtitle"].textContent = formatting.plural(total, "contact", "contacts")
        nodes["pager"].hidden = total <= len(contacts)
        nodes["range"].textContent = "{} – {} of {}".format(
            formatting.number(offset + 1),
            formatting.number(offset + len(contacts)),
            formatting.number(total),
        )
        self._next, self._previous = answer["next"], answer["previous"]
        self.btn_first.enabled = self.btn_previous.enabled = bool(self._previous)
        self.btn_next.enabled = self.btn_last.enabled = bool(self._next)
        if contacts:
            self.state.kind = "none"
        elif self._is_filtered():
            self.state.say(
                "empty",
                "Nobody matches",
                "No contact fits this search and these filters.",
                "Show all contacts",
            )
        else:
            self.state.say(
                "empty",
                "No contacts yet",
                "Everyone who books, buys or writes to you appears here. You can also add people "
                "yourself.",
                "New contact" if session.may("customers.manage") else "",
            )

    def _is_filtered(self):
        return bool(self.query["search"] or self._filters_set())

    def _filters_set(self):
        """How many of the filters are in use."""
        return len([name for name in FILTERS if self.query[name]])

    def _open_filters(self, is_open):
        """On a phone the filters stand behind a button."""
        self.dom_nodes["more"].classList.toggle("open", is_open)
        self.dom_nodes["toggle"].setAttribute("aria-expanded", "true" if is_open else "false")

    def toggle_click(self, event):
        self._open_filters(not self.dom_nodes["more"].classList.contains("open"))

    @handle("state", "action")
    def state_action(self, **event_args):
        if self.state.kind == "error":
            self.state.kind = "loading"
            self.load()
        elif self._is_filtered():
            self.query = dict((name, None) for name in IN_ADDRESS)
            self._show_query()
            self.dd_tag.selected_value = None
            self.load()
        else:
            self.btn_new_click()

    def _filter(self, **changes):
        """Change what is looked for; the first page of it appears."""
        self.query.update(changes, after=None, before=None, last_page=None)
        self.load()

    @handle("txt_search", "change")
    def txt_search_change(self, **event_args):
        if self._timer is not None:
            window.clearTimeout(self._timer)
        self._timer = window.setTimeout(self._search, DEBOUNCE_MS)

    @handle("txt_search", "pressed_enter")
    def txt_search_pressed_enter(self, **event_args):
        self._search()

    def _search(self):
        if self._timer is not None:
            window.clearTimeout(self._timer)
            self._timer = None
        text = (self.txt_search.text or "").strip()
        if text != (self.query["search"] or ""):
            self._filter(search=text)

    @handle("dd_status", "change")
    def dd_status_change(self, **event_args):
        self._filter(status=self.dd_status.selected_value)

    @handle("dd_lifecycle", "change")
    def dd_lifecycle_change(self, **event_args):
        self._filter(lifecycle_stage=self.dd_lifecycle.selected_value)

    @handle("dd_tag", "change")
    def dd_tag_change(self, **event_args):
        self._filter(tag=self.dd_tag.selected_value)

    @handle("dd_source", "change")
    def dd_source_change(self, **event_args):
        self._filter(source=self.dd_source.selected_value)

    @handle("dd_sort", "change")
    def dd_sort_change(self, **event_args):
        self._filter(sort=self.dd_sort.selected_value)

    def _turn(self, **place):
        self.query.update(after=None, before=None, last_page=None)
        self.query.update(place)
        self.load()
        window.scrollTo(0, 0)

    @handle("btn_first", "click")
    def btn_first_click(self, **event_args):
        self._turn()

    @handle("btn_previous", "click")
    def btn_previous_click(self, **event_args):
        self._turn(before=self._previous)

    @handle("btn_next", "click")
    def btn_next_click(self, **event_args):
        self._turn(after=self._next)

    @handle("btn_last", "click")
    def btn_last_click(self, **event_args):
        self._turn(last_page="1")

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go("/app/contacts/new")
