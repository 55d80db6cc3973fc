"""What is done to many contacts at once: asked for, followed while it goes on, and undone."""

from anvil import Notification
from anvil.js import window

from ..shared import api, formatting, navigation_helpers
from ..shared.components.ConfirmationDialog import confirm
from . import bulk_texts
from .BulkDialog import ask_choices

POLL_MS = 1000


class BulkWork:
    """The bulk changes that are made in one ContactListForm."""

    def __init__(self, form):
        self.form = form
        self.change = None

    def tag(self):
        """Ask for tags and add them to all that are chosen."""
        text = "Every one of {} gets these tags. New ones may be typed."
        choices = self._ask("Add tags", text, "Add", tags=self.form.tag_names)
        if choices:
            self._start("add_tags", choices)

    def untag(self):
        """Ask for tags and take them away."""
        text = "These tags are taken away from {}."
        choices = self._ask("Take tags away", text, "Take away", tags=self.form.tag_names)
        if choices:
            self._start("remove_tags", choices)

    def add_to_segment(self):
        """Ask for a hand-picked segment and add all that are chosen."""
        try:
            found = api.call("list_segments", segment_type="static", page_size=100)["segments"]
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        if not found:
            text = "There is no segment that is filled by hand yet. Make one under Segments."
            Notification(text, timeout=6).show()
            return
        items = [(each["segment_name"], each["segment_id"]) for each in found]
        choices = self._ask("Add to a segment", "{} are added.", "Add", segments=items)
        if choices:
            self._start("add_to_segment", choices)

    def delete(self):
        """Ask, and take all that are chosen out of every list."""
        people = self._people()
        text = "{} go out of every list. You can undo this for 30 days."
        title = "Delete {}?".format(people)
        if confirm(title, text.format(people), "Delete", keep="Keep", is_dangerous=True):
            self._start("delete", {})

    def undo(self):
        """Take the last change back."""
        self._follow("undo_bulk_change", self.change["change_id"])

    def dismiss(self):
        """Show nothing of it any more."""
        self.change = None
        self.form.dom_nodes["work"].hidden = True

    def _people(self):
        return formatting.plural(self.form.picking.count, "contact", "contacts")

    def _ask(self, title, text, action, **offered):
        return ask_choices(title, text.format(self._people()), action, **offered)

    def _start(self, kind, choices):
        self._follow("start_bulk_change", kind, self.form.picking.selection(), choices)

    def _follow(self, name, *arguments):
        try:
            self.change = api.call(name, *arguments)["change"]
        except api.ApiError as error:
            Notification(error.message, title="Nothing was changed", style="danger").show()
            return
        self.form.picking.clear()
        self._show()

    def _show(self):
        form, change = self.form, self.change
        is_going_on = change["state"] in ("running", "undoing")
        form.dom_nodes["work"].hidden = False
        form.dom_nodes["work_text"].textContent = bulk_texts.tell(change)
        form.dom_nodes["work_bar"].hidden = not is_going_on
        form.bar_work.progress = bulk_texts.share(change)
        form.btn_undo.visible = change["is_undoable"]
        form.btn_dismiss.visible = not is_going_on
        if is_going_on:
            window.setTimeout(self._look_again, POLL_MS)
        else:
            form.load()

    def _look_again(self, *args):
        if self.change is None or not navigation_helpers.is_open(self.form):
            return
        try:
            self.change = api.call_quietly("get_bulk_change", self.change["change_id"])["change"]
        except api.ApiError:
            window.setTimeout(self._look_again, POLL_MS * 5)
            return
        self._show()
