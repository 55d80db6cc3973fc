from ._anvil_designer import ContactExportFormTemplate

import json

from anvil import handle, media

from ...shared import api, formatting, navigation_helpers
from ..managers import may_begin

PATH = "/app/contacts/export"
BACK = "/app/contacts"
POLL_SECONDS = 1


def selection_of(query):
    """The selection that an address asks for, as the list of contacts hands it over; all of them
    where it says nothing. Whether it is a good one the server decides."""
    try:
        found = json.loads(query.get("selection") or "")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"query": {}}


class ContactExportForm(ContactExportFormTemplate):
    """The contacts of a list as a file: its format, and the files that were asked for."""

    def __init__(self, **properties):
        self.selection = selection_of(navigation_helpers.query())
        self._started = False
        navigation_helpers.arrive(PATH, "Export contacts")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")
        self.dom_nodes["back"].href = BACK
        self.rg_format.selected_value = "csv"
        self.rp_exports.set_event_handler("x-download", self._download)
        self.rp_exports.set_event_handler("x-delete", self._delete)

    @handle("", "show")
    def form_show(self, **event_args):
        if may_begin(self):
            self.load()

    @handle("", "hide")
    def form_hide(self, **event_args):
        self.timer.interval = 0

    def load(self):
        """Read how many contacts are meant, and the files that are there."""
        self.state.kind = "loading"
        try:
            self._show_meant()
            self._show(api.call_quietly("list_contact_exports")["exports"])
        except api.ApiError as error:
            self.state.say("error", "The exports did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.dom_nodes["body"].hidden = False

    def _show_meant(self):
        if "contact_ids" in self.selection:
            total = len(self.selection["contact_ids"])
        else:
            query = dict(self.selection.get("query") or {}, page_size=1)
            left_out = len(self.selection.get("but") or [])
            total = max(0, api.call_quietly("list_contacts", query)["total"] - left_out)
        is_part = "contact_ids" in self.selection or bool(self.selection.get("query"))
        self.dom_nodes["meant"].textContent = (
            "{} of the list that you came from.".format(
                formatting.plural(total, "contact", "contacts")
            )
            if is_part
            else "All {}.".format(formatting.plural(total, "contact", "contacts"))
        )
        self.btn_export.enabled = bool(total)

    def _show(self, exports):
        self.rp_exports.items = exports
        self.dom_nodes["files"].hidden = not exports
        is_working = bool([entry for entry in exports if entry["state"] == "working"])
        self.timer.interval = POLL_SECONDS if is_working else 0

    def _refresh(self):
        try:
            self._show(api.call_quietly("list_contact_exports")["exports"])
        except api.ApiError as error:
            self._say(error.message)

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    @handle("btn_export", "click")
    def btn_export_click(self, **event_args):
        self._say("")
        self.btn_export.enabled = False
        try:
            entry = api.call(
                "export_contacts", self.selection, format=self.rg_format.selected_value
            )["export"]
        except api.ApiError as error:
            self._say(error.message)
            return
        finally:
            self.btn_export.enabled = True
        self._refresh()
        if entry["state"] == "ready":
            self._download(entry["export_id"])

    def _download(self, export_id, **event_args):
        try:
            file = api.call("download_contact_export", export_id)["file"]
        except api.ApiError as error:
            self._say(error.message)
            return
        media.download(file)

    def _delete(self, export_id, **event_args):
        try:
            api.call("delete_contact_export", export_id)
        except api.ApiError as error:
            self._say(error.message)
        self._refresh()

    @handle("timer", "tick")
    def timer_tick(self, **event_args):
        if not navigation_helpers.is_open(self):
            self.timer.interval = 0
            return
        self._refresh()

    def back_click(self, event):
        navigation_helpers.follow(event, BACK)
