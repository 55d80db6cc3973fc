from ._anvil_designer import ContactMergeFormTemplate

import datetime

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, formatting, navigation_helpers
from ...shared.components.ConfirmationDialog import confirm

BOTH = "both"
# Tables as a person calls what is in them; of others only the number of rows is told.
THINGS = {
    "contact_events": ("event", "events"),
    "bookings": ("booking", "bookings"),
    "payments": ("payment", "payments"),
    "contact_transactions": ("transaction", "transactions"),
    "tasks": ("task", "tasks"),
    "reviews": ("review", "reviews"),
    "mail_sends": ("mail", "mails"),
}


class ContactMergeForm(ContactMergeFormTemplate):
    """Two contacts side by side: which value counts where they differ, and the merging."""

    def __init__(self, contact_id=None, other_id=None, **properties):
        self.keep_id = (contact_id or "").upper()
        self.merge_id = (other_id or "").upper()
        navigation_helpers.arrive(self._path(), "Merge contacts")
        self._started = False
        self.preview = None
        self.chosen = {}
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")

    def _path(self):
        return "/app/contacts/{}/merge/{}".format(self.keep_id, self.merge_id)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.load()

    def load(self):
        """Read how the two differ and what merging would give."""
        self.state.kind = "loading"
        self.dom_nodes["body"].hidden = True
        try:
            self.preview = api.call_quietly("preview_merge", self.keep_id, self.merge_id)
        except api.ApiError as error:
            self.state.say("error", "These two cannot be merged", error.message, "Try again")
            return
        self.state.kind = "none"
        self.dom_nodes["body"].hidden = False
        self._show()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _show(self):
        preview, nodes = self.preview, self.dom_nodes
        keep, merge = preview["keep"], preview["merge"]
        for side, contact in (("keep", keep), ("merge", merge)):
            known = [contact["contact_id"], contact["email"], contact["phone"]]
            nodes[side + "_name"].textContent = contact["full_name"]
            nodes[side + "_facts"].textContent = " · ".join([fact for fact in known if fact])
        nodes["problem"].hidden = True
        nodes["dismissed"].hidden = not preview["is_dismissed"]
        self.btn_dismiss.visible = not preview["is_dismissed"]
        nodes["fields"].textContent = ""
        self.chosen = {}
        for each in preview["fields"]:
            nodes["fields"].append(self._fieldset(each["field"], each["label"], each["choice"]))
        nodes["no_fields"].hidden = bool(preview["fields"])
        nodes["tags"].textContent = ", ".join(preview["tags"]) or "None"
        nodes["marketing"].textContent = (
            "Has agreed" if preview["is_opted_in"] else "Has not agreed: a no of either one stays"
        )
        nodes["moves"].textContent = _tell_moves(preview["moves"])

    def _fieldset(self, field, label, choice):
        document = window.document
        box = document.createElement("fieldset")
        box.className = "mb-merge-field"
        legend = document.createElement("legend")
        legend.textContent = label
        box.append(legend)
        self.chosen[field] = choice
        options = [(side, _text(field, self.preview[side][field])) for side in ("keep", "merge")]
        if field == "internal_notes":
            options.append((BOTH, "Both, one after the other"))
        for side, text in options:
            box.append(self._option(field, side, text, side == choice))
        return box

    def _option(self, field, side, text, is_chosen):
        document = window.document
        label = document.createElement("label")
        radio = document.createElement("input")
        radio.type = "radio"
        radio.name = "merge-" + field
        radio.checked = is_chosen
        words = document.createElement("span")
        words.textContent = text

        def choose(event):
            self.chosen[field] = side

        radio.addEventListener("change", choose)
        label.append(radio)
        label.append(words)
        return label

    @handle("btn_swap", "click")
    def btn_swap_click(self, **event_args):
        self.keep_id, self.merge_id = self.merge_id, self.keep_id
        navigation_helpers.replace_address(self._path())
        self.load()

    @handle("btn_merge", "click")
    def btn_merge_click(self, **event_args):
        keep, merge = self.preview["keep"], self.preview["merge"]
        text = "Everything of {} ({}) becomes part of {} ({}). Nobody can undo this."
        question = text.format(
            merge["full_name"], merge["contact_id"], keep["full_name"], keep["contact_id"]
        )
        if not confirm("Merge them?", question, "Merge", keep="Keep both", is_dangerous=True):
            return
        self.btn_merge.enabled = False
        try:
            api.call(
                "merge_contacts",
                self.keep_id,
                self.merge_id,
                self.chosen,
                keep["version"],
                merge["version"],
            )
        except api.ApiError as error:
            self.dom_nodes["problem_text"].textContent = error.message
            self.dom_nodes["problem"].hidden = False
            return
        finally:
            self.btn_merge.enabled = True
        navigation_helpers.go("/app/contacts/" + self.keep_id)
        Notification("The two are one contact now.", timeout=4).show()

    @handle("btn_dismiss", "click")
    def btn_dismiss_click(self, **event_args):
        if self._tell("dismiss_duplicates"):
            navigation_helpers.go("/app/contacts/duplicates")
            Notification("They stay two people, and are not shown again.", timeout=4).show()

    @handle("btn_restore", "click")
    def btn_restore_click(self, **event_args):
        if self._tell("restore_duplicates"):
            self.load()

    def _tell(self, function):
        try:
            api.call(function, [self.keep_id, self.merge_id])
        except api.ApiError as error:
            Notification(error.message, title="Not saved", style="danger").show()
            return False
        return True

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/contacts/duplicates")


def _text(field, value):
    """A value as a person reads it."""
    if field == "address":
        return ", ".join([value[name] for name in sorted(value) if value[name]]) or "None"
    if field == "status":
        return formatting.STATUS_NAMES[value]
    if field == "source":
        return formatting.SOURCE_NAMES[value]
    if isinstance(value, datetime.date):
        return formatting.calendar_day(value)
    return value or "None"


def _tell_moves(moves):
    parts = []
    others = 0
    for table in sorted(moves):
        if table in THINGS:
            parts.append(formatting.plural(moves[table], *THINGS[table]))
        else:
            others += moves[table]
    if others:
        parts.append(formatting.plural(others, "other entry", "other entries"))
    return ", ".join(parts) or "Nothing"
