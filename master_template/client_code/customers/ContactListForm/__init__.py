from ._anvil_designer import ContactListFormTemplate

from anvil import Notification, handle

from ...shared import api, formatting, navigation_helpers, session
from ...shared.components.ConfirmationDialog import confirm
from ...shared.listing import Listing
from ..bulk_work import BulkWork
from ..picking import Picking
from ..SaveViewDialog import save_view

PATH = "/app/contacts"
DELETED = "deleted"
STATUS_ITEMS = [("Any status", None)] + [
    (formatting.STATUS_NAMES[word], word) for word in ("lead", "customer", "inactive")
]
STATUS_ITEMS.append(("Deleted", DELETED))
LIFECYCLE_ITEMS = [("Any stage", None)] + [
    (formatting.LIFECYCLE_NAMES[word], word) for word in ("new", "active", "at_risk", "lost")
]
SOURCE_ITEMS = [(formatting.SOURCE_NAMES[word], word) for word in formatting.SOURCE_NAMES]
SORT_ITEMS = [
    ("Name", "name"),
    ("Newest first", "newest"),
    ("Last contact", "last_contact"),
    ("Spent most", "spent"),
    ("Number", "number"),
]
# Order -> (dom node of its heading, whether it begins with the smallest).
HEADINGS = {
    "name": ("head_name", True),
    "last_contact": ("head_when", False),
    "spent": ("head_spent", False),
}
WORDS = {
    "one": "contact",
    "many": "contacts",
    "no_match": "Nobody matches",
    "no_match_text": "No contact fits this search and these filters.",
    "show_all": "Show all contacts",
    "none": "No contacts yet",
    "none_text": "Everyone who books, buys or writes to you appears here. You can also add people "
    "yourself.",
}
# What the server calls a filter -> the control of this form that has it.
IN_CONTROLS = ("search", "status", "lifecycle_stage", "tag", "sort", "reverse")
ALL = "all"
ALL_VIEW = [("All contacts", ALL)]
PAGE_OF_SEGMENTS = 100


class ContactListForm(ContactListFormTemplate):
    """All contacts: search, filters, saved views, order, and what is done to many at once."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Contacts")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")
        self.may_manage = session.may("customers.manage")
        self.btn_new.visible = self.item_import.visible = self.may_manage
        self.item_export.visible = self.may_manage
        self.dd_status.items = STATUS_ITEMS
        self.dd_lifecycle.items = LIFECYCLE_ITEMS
        self.dd_tag.items = [("Any tag", None)]
        self.dd_sort.items = SORT_ITEMS
        self.dd_view.items = ALL_VIEW
        self.more.offer([], [], SOURCE_ITEMS)
        self.views = []
        self.tag_names = []
        self.picking = Picking(self)
        self.bulk = BulkWork(self)
        words = dict(WORDS, none_action="New contact") if self.may_manage else WORDS
        self.listing = Listing(
            self,
            PATH,
            "list_contacts",
            "contacts",
            {
                "search": self.txt_search,
                "status": self.dd_status,
                "lifecycle_stage": self.dd_lifecycle,
                "tag": self.dd_tag,
                "sort": self.dd_sort,
                "more": self.more,
            },
            words,
            cursors=True,
            headings=HEADINGS,
            adapt=_adapt,
            prepare=self.picking.prepare,
            on_show=self._on_show,
            on_empty=self.btn_new_click,
        )
        self.dom_nodes["pick_all_cell"].hidden = not self.may_manage
        self._open_filters(self._filters_set() > 0)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.state.kind = "loading"
        is_bare = not navigation_helpers.query()
        self._load_views()
        default = [view for view in self.views if view["is_default"]]
        if is_bare and default:
            self._open_view(default[0])
        else:
            self.listing.start()
        self._load_choices()

    def _load_choices(self):
        """What filters offer. Without it the list works; it says itself what is wrong."""
        try:
            self.tag_names = api.call_quietly("list_contact_tags")["tags"]
            self.segments = api.call_quietly("list_segments", page_size=PAGE_OF_SEGMENTS)[
                "segments"
            ]
        except api.ApiError:
            return
        self.dd_tag.items = [("Any tag", None)] + [(tag, tag) for tag in self.tag_names]
        self.dd_tag.selected_value = self.listing.query["tag"]
        segments = [(each["segment_name"], each["segment_id"]) for each in self.segments]
        self.more.offer(self.tag_names, segments, SOURCE_ITEMS)

    def load(self):
        """Show the page anew, as after a change of many."""
        self.listing.load()

    def _on_show(self, answer):
        count = self._filters_set()
        text = "Filters ({})".format(count) if count else "Filters"
        self.dom_nodes["toggle_text"].textContent = text
        self.dom_nodes["table"].hidden = not answer["contacts"]
        self.picking.total = answer["total"]
        self.picking.show()
        self._show_view()

    def _filters_set(self):
        """How many of the filters are in use."""
        query = self.listing.query
        names = ("status", "lifecycle_stage", "tag")
        return len([name for name in names if query[name]]) + len(self.more.values)

    def _open_filters(self, is_open):
        """The filters that are not needed every day, and on a phone all, stand behind a button."""
        self.dom_nodes["more_box"].classList.toggle("open", is_open)
        self.dom_nodes["toggle"].setAttribute("aria-expanded", "true" if is_open else "false")

    def toggle_click(self, event):
        self._open_filters(not self.dom_nodes["more_box"].classList.contains("open"))

    # Saved views.

    def _load_views(self):
        try:
            self.views = api.call_quietly("list_saved_views")["views"]
        except api.ApiError:
            self.views = []
        self._offer_views()

    def _offer_views(self):
        shared = " (shared by {})"
        items = []
        for view in self.views:
            text = view["view_name"]
            if view["is_shared"] and not view["is_mine"]:
                text += shared.format(view["owner_name"])
            items.append((text, view["view_id"]))
        self.dd_view.items = ALL_VIEW + items
        self._show_view()

    def _current_view(self):
        """The view that shows just what the list shows now, or None."""
        now = self._query_of_view()
        same = [view for view in self.views if view["query"] == now]
        chosen = [view for view in same if view["view_id"] == self.dd_view.selected_value]
        return (chosen or same or [None])[0]

    def _query_of_view(self):
        query = self.listing.arguments()
        if query.get("sort") == "name":
            del query["sort"]
        return query

    def _show_view(self):
        """The view's name stands there while the list is as it says, or was when it was opened."""
        if not hasattr(self, "listing"):
            return
        view = self._current_view()
        is_bare = not self._query_of_view()
        if view is not None:
            self.dd_view.selected_value = view["view_id"]
        elif is_bare:
            self.dd_view.selected_value = ALL
        opened = self._opened_view()
        self.dd_view.supporting_text = "Changed" if opened and view is None else ""
        is_own = opened is not None and opened["is_mine"]
        self.item_update.visible = is_own and view is None
        self.item_rename.visible = self.item_delete.visible = is_own
        self.item_default.visible = opened is not None and not opened["is_default"]
        self.item_no_default.visible = any([each["is_default"] for each in self.views])

    def _opened_view(self):
        chosen = self.dd_view.selected_value
        return ([view for view in self.views if view["view_id"] == chosen] or [None])[0]

    def _open_view(self, view):
        query = view["query"] if view else {}
        wanted = {}
        for name in IN_CONTROLS:
            wanted[name] = query.get(name)
        wanted["reverse"] = "1" if query.get("reverse") else None
        if query.get("deleted"):
            wanted["status"] = DELETED
        self.more.values = query
        wanted["more"] = self.listing.text_of(self.more)
        self.picking.clear()
        self.dd_view.selected_value = view["view_id"] if view else ALL
        self.listing.set_query(wanted)
        self._open_filters(self._filters_set() > 0)

    @handle("dd_view", "change")
    def dd_view_change(self, **event_args):
        self._open_view(self._opened_view())

    @handle("item_save", "click")
    def item_save_click(self, **event_args):
        self._keep(save_view(self._query_of_view()))

    @handle("item_update", "click")
    def item_update_click(self, **event_args):
        self._keep(save_view(self._query_of_view(), self._opened_view()))

    @handle("item_rename", "click")
    def item_rename_click(self, **event_args):
        view = self._opened_view()
        self._keep(save_view(view["query"], view))

    def _keep(self, view):
        if view is None:
            return
        self._load_views()
        self.dd_view.selected_value = view["view_id"]
        self._show_view()
        Notification("The view {} is saved.".format(view["view_name"]), timeout=3).show()

    @handle("item_default", "click")
    def item_default_click(self, **event_args):
        self._set_default(self.dd_view.selected_value)

    @handle("item_no_default", "click")
    def item_no_default_click(self, **event_args):
        self._set_default(None)

    def _set_default(self, view_id):
        try:
            api.call("set_default_view", view_id)
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self._load_views()

    @handle("item_delete", "click")
    def item_delete_click(self, **event_args):
        view = self._opened_view()
        text = "The view {} goes; the contacts stay."
        if not confirm("Delete this view?", text.format(view["view_name"]), "Delete"):
            return
        try:
            api.call("delete_saved_view", view["view_id"])
        except api.ApiError as error:
            Notification(error.message, title="Not deleted", style="danger").show()
            return
        self.dd_view.selected_value = ALL
        self._load_views()

    @handle("item_duplicates", "click")
    def item_duplicates_click(self, **event_args):
        navigation_helpers.go("/app/contacts/duplicates")

    @handle("item_changes", "click")
    def item_changes_click(self, **event_args):
        navigation_helpers.go("/app/contacts/changes")

    @handle("item_import", "click")
    def item_import_click(self, **event_args):
        navigation_helpers.go("/app/contacts/import")

    @handle("item_export", "click")
    def item_export_click(self, **event_args):
        navigation_helpers.go(self.picking.export_address())

    # Choosing contacts, and what is done to them.

    @handle("rp_items", "x-pick")
    def rp_items_pick(self, contact_id, is_picked, **event_args):
        self.picking.pick(contact_id, is_picked)

    def pick_all_change(self, event):
        self.picking.pick_page(bool(self.dom_nodes["pick_all"].checked))

    @handle("btn_all_matching", "click")
    def btn_all_matching_click(self, **event_args):
        self.picking.pick_all_matching()

    @handle("btn_clear", "click")
    def btn_clear_click(self, **event_args):
        self.picking.clear()

    @handle("btn_tag", "click")
    def btn_tag_click(self, **event_args):
        self.bulk.tag()

    @handle("btn_untag", "click")
    def btn_untag_click(self, **event_args):
        self.bulk.untag()

    @handle("btn_segment", "click")
    def btn_segment_click(self, **event_args):
        self.bulk.add_to_segment()

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        self.bulk.delete()

    @handle("btn_undo", "click")
    def btn_undo_click(self, **event_args):
        self.bulk.undo()

    @handle("btn_dismiss", "click")
    def btn_dismiss_click(self, **event_args):
        self.bulk.dismiss()

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go("/app/contacts/new")


def _adapt(query):
    """What the server is asked: to it, deleted contacts are no status."""
    if query.get("status") == DELETED:
        del query["status"]
        query["deleted"] = True
    return query
