"""Which contacts of a list are chosen: some, a page, or all that match the search and filters."""

import json

from ..shared import formatting, navigation_helpers

# As many as the server takes by number; more are chosen as "all that match".
MAX_PICKED = 2000
# What says which page and in which order, and not which contacts.
NOT_FILTERS = ("sort", "reverse")


class Picking:
    """The choice in one ContactListForm. It is kept from page to page, and ends with the filters
    that it was made under."""

    def __init__(self, form):
        self.form = form
        self.total = 0
        self.picked = {}
        self.all_matching = False
        self.left_out = {}
        self._filters = None

    @property
    def count(self):
        """How many contacts are chosen."""
        return self.total - len(self.left_out) if self.all_matching else len(self.picked)

    def selection(self):
        """The choice as the server takes it."""
        if self.all_matching:
            return {"query": self._now(), "but": sorted(self.left_out)}
        return {"contact_ids": sorted(self.picked)}

    def export_address(self):
        """The page that makes a file of the choice, or of all that match where there is none."""
        selection = self.selection() if self.count else {"query": self._now()}
        chosen = {"selection": json.dumps(selection)}
        return navigation_helpers.with_query("/app/contacts/export", chosen)

    def prepare(self, contacts):
        """The contacts of a page with what their rows show of the choice."""
        now = self._now()
        if now != self._filters:
            self._filters = now
            self._forget()
        may_pick = self.form.may_manage and not now.get("deleted")
        self.form.dom_nodes["pick_all_cell"].hidden = not may_pick
        return [
            dict(each, may_pick=may_pick, is_picked=self._is_picked(each["contact_id"]))
            for each in contacts
        ]

    def pick(self, contact_id, is_picked):
        """A box was ticked, or not any more."""
        self._set(contact_id, is_picked)
        self.show()

    def pick_page(self, is_picked):
        """The box in the head was ticked: it is about the whole page."""
        for row in self.form.rp_items.get_components():
            self._set(row.item["contact_id"], is_picked)
        self._show_rows()

    def pick_all_matching(self):
        """All that match are chosen, on whatever page."""
        self.all_matching = True
        self.picked = {}
        self.left_out = {}
        self._show_rows()

    def clear(self):
        """Nobody is chosen."""
        self._forget()
        self._show_rows()

    def _forget(self):
        self.all_matching = False
        self.picked = {}
        self.left_out = {}

    def _now(self):
        query = self.form.listing.arguments()
        return dict((name, query[name]) for name in query if name not in NOT_FILTERS)

    def _is_picked(self, contact_id):
        if self.all_matching:
            return contact_id not in self.left_out
        return contact_id in self.picked

    def _set(self, contact_id, is_picked):
        if self.all_matching:
            marked, is_marked = self.left_out, not is_picked
        else:
            marked, is_marked = self.picked, is_picked
        if is_marked:
            marked[contact_id] = True
        else:
            marked.pop(contact_id, None)

    def _show_rows(self):
        for row in self.form.rp_items.get_components():
            row.show_picked(self._is_picked(row.item["contact_id"]))
        self.show()

    def show(self):
        """Show how many are chosen, and what may be done to them."""
        form, nodes, count = self.form, self.form.dom_nodes, self.count
        on_page = [row.item["contact_id"] for row in form.rp_items.get_components()]
        picked_here = [contact_id for contact_id in on_page if self._is_picked(contact_id)]
        nodes["pick_all"].checked = bool(on_page) and len(picked_here) == len(on_page)
        nodes["pick_all"].indeterminate = 0 < len(picked_here) < len(on_page)
        nodes["selection"].hidden = not count
        nodes["selection_text"].textContent = "{} chosen".format(formatting.number(count))
        is_more = not self.all_matching and bool(count) and self.total > len(on_page)
        form.btn_all_matching.visible = is_more
        form.btn_all_matching.text = "Choose all {} that match".format(
            formatting.number(self.total)
        )
        is_too_many = not self.all_matching and count > MAX_PICKED
        for button in (form.btn_tag, form.btn_untag, form.btn_segment, form.btn_delete):
            button.enabled = not is_too_many
