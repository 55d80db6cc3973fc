from ._anvil_designer import BulkChangeRowTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, formatting
from ...shared.components.ConfirmationDialog import confirm
from .. import bulk_texts

POLL_MS = 1000


class BulkChangeRow(BulkChangeRowTemplate):
    """One change of many contacts, followed while it goes on."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self._show(self.item)

    def _show(self, change):
        self.change = change
        nodes = self.dom_nodes
        nodes["name"].textContent = bulk_texts.name(change)
        known = [formatting.day_and_time(change["created_at"]), change["author_name"]]
        nodes["who"].textContent = " · ".join([fact for fact in known if fact])
        nodes["chip"].textContent = bulk_texts.STATES[change["state"]]
        nodes["text"].textContent = bulk_texts.tell(change)
        is_going_on = change["state"] in ("running", "undoing")
        nodes["bar"].hidden = not is_going_on
        self.bar_work.progress = bulk_texts.share(change)
        self.btn_undo.visible = change["is_undoable"]
        self.btn_stop.visible = change["state"] == "running"
        nodes["actions"].hidden = not (self.btn_undo.visible or self.btn_stop.visible)
        if is_going_on:
            window.setTimeout(self._look_again, POLL_MS)

    def _look_again(self, *args):
        if not self.dom_nodes["row"].isConnected:
            return
        try:
            change = api.call_quietly("get_bulk_change", self.change["change_id"])["change"]
        except api.ApiError:
            window.setTimeout(self._look_again, POLL_MS * 5)
            return
        self._show(change)

    @handle("btn_undo", "click")
    def btn_undo_click(self, **event_args):
        left = self.change["changed"] - self.change["undone"] - self.change["kept"]
        text = "{} become as they were before; only whom somebody has changed since stays so."
        question = text.format(formatting.plural(left, "contact", "contacts"))
        if confirm("Undo this change?", question, "Undo", keep="Leave it"):
            self._do("undo_bulk_change", "Not undone")

    @handle("btn_stop", "click")
    def btn_stop_click(self, **event_args):
        self._do("stop_bulk_change", "Not stopped")

    def _do(self, function, fault):
        try:
            change = api.call(function, self.change["change_id"])["change"]
        except api.ApiError as error:
            Notification(error.message, title=fault, style="danger").show()
            self._look_again()
            return
        self._show(change)
