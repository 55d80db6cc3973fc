from ._anvil_designer import ContactDetailFormTemplate

from anvil import Notification, handle
from anvil import media
from anvil.js import window

from ...shared import api, formatting, form_fields, navigation_helpers, session, unsaved
from ...shared.components.ConfirmationDialog import ask, confirm

PAGE_SIZE = 20
VISIBILITY_ITEMS = [
    ("What happened", "visible"),
    ("Everything", "all"),
    ("Internal only", "internal"),
]
# What somebody looks for in a timeline: (text, kinds of events).
KIND_ITEMS = [
    ("All kinds", None),
    ("Notes", ["note"]),
    ("Calls, visits, meetings", ["call", "visit", "meeting"]),
    ("E-mails and campaigns", ["email", "email_sent", "campaign_left", "unsubscribed"]),
    ("Bookings", ["booking"]),
    ("Orders and payments", ["order", "payment", "refund", "membership"]),
    ("Tasks", ["task_completed"]),
    ("Changes", ["created", "imported", "updated", "status_changed", "lifecycle_changed"]),
]
DELETED_TEXT = "This contact has been deleted and is in no list. Everything is still here."
ERASED_TEXT = "This person has been erased. Only the sums stay, for the books."


class ContactDetailForm(ContactDetailFormTemplate):
    """One contact: who they are, what they spent, and everything that happened."""

    def __init__(self, contact_id=None, **properties):
        self.contact_id = (contact_id or "").upper()
        self.path = "/app/contacts/" + self.contact_id
        navigation_helpers.arrive(self.path, self.contact_id)
        self.contact = None
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")
        self.dd_visibility.items = VISIBILITY_ITEMS
        self.dd_visibility.selected_value = "visible"
        self.dd_kind.items = [(text, text) for text, _ in KIND_ITEMS]
        self.dd_kind.selected_value = KIND_ITEMS[0][0]
        can_edit = session.may("customers.manage")
        self.btn_edit.visible = self.btn_delete.visible = can_edit
        self.dom_nodes["note_box"].hidden = not can_edit
        self.dom_nodes["waiting"].textContent = "Contact " + self.contact_id
        self.btn_more.visible = False
        unsaved.watch(self, self.is_dirty, save=self.add_note, discard=self.discard)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.load()

    def load(self):
        """Read the contact and the newest events."""
        self.state.kind = "loading"
        try:
            self.contact = api.call_quietly("get_contact", self.contact_id)["contact"]
            events = self._read_events(0)
        except api.ApiError as error:
            if error.code == "not_found" or error.code == "invalid":
                self.state.say("error", "No such contact", error.message, "To all contacts")
            else:
                self.state.say("error", "This did not load", error.message, "Try again")
            return
        if self.contact["merged_into"]:
            navigation_helpers.go("/app/contacts/" + self.contact["merged_into"], replace=True)
            return
        self.state.kind = "none"
        self._show_contact()
        self._show_events(events)
        self.tasks.show(self.contact_id)
        self.dom_nodes["waiting"].hidden = True
        self.dom_nodes["body"].hidden = False
        self._show_duplicate()

    def _show_duplicate(self):
        """Say so where somebody else is likely the same person."""
        if not session.may("customers.manage") or self.contact["deleted_at"] is not None:
            return
        try:
            found = api.call_quietly("find_duplicates_of", self.contact_id)["contacts"]
        except api.ApiError:
            return  # A hint; the page itself has loaded.
        self.dom_nodes["duplicate_banner"].hidden = not found
        if found:
            text = "This may be the same person as {} ({})."
            self.duplicate_id = found[0]["contact_id"]
            self.dom_nodes["duplicate_text"].textContent = text.format(
                found[0]["full_name"], self.duplicate_id
            )

    @handle("btn_compare", "click")
    def btn_compare_click(self, **event_args):
        navigation_helpers.go("{}/merge/{}".format(self.path, self.duplicate_id))

    @handle("btn_dismiss", "click")
    def btn_dismiss_click(self, **event_args):
        try:
            api.call("dismiss_duplicates", [self.contact_id, self.duplicate_id])
        except api.ApiError as error:
            Notification(error.message, title="Not saved", style="danger").show()
            return
        self._show_duplicate()

    @handle("state", "action")
    def state_action(self, **event_args):
        if self.state.heading == "No such contact":
            navigation_helpers.go("/app/contacts")
        else:
            self.load()

    def _show_contact(self):
        contact = self.contact
        nodes = self.dom_nodes
        if navigation_helpers.is_open(self):
            navigation_helpers.set_title(contact["full_name"])
        nodes["initials"].textContent = formatting.initials(contact["full_name"])
        nodes["name"].textContent = contact["full_name"]
        parts = [part for part in (contact["contact_id"], contact["company"]) if part]
        nodes["subtitle"].textContent = " · ".join(parts)
        currency = contact["currency"]
        nodes["spent"].textContent = formatting.money(contact["total_spent_cents"], currency)
        nodes["transactions"].textContent = formatting.number(contact["total_transactions"])
        nodes["average"].textContent = formatting.money(
            contact["average_order_value_cents"], currency
        )
        nodes["last_contact"].textContent = formatting.ago(contact["last_contact_date"])
        nodes["status"].className = "mb-chip " + contact["status"]
        nodes["status"].textContent = formatting.STATUS_NAMES[contact["status"]]
        nodes["stage"].className = "mb-chip " + contact["lifecycle_stage"]
        nodes["stage"].textContent = formatting.LIFECYCLE_NAMES[contact["lifecycle_stage"]]
        self._show_link("email", "mailto:", contact["email"])
        self._show_link("phone", "tel:", contact["phone"])
        address = contact["address"]
        town = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
        lines = [address.get("line1"), address.get("line2"), town]
        lines += [address.get("region"), address.get("country")]
        self._show_fact("company", contact["company"])
        birthday = contact["birthday"]
        self._show_fact("birthday", formatting.calendar_day(birthday) if birthday else "")
        booked = contact["next_booking_at"]
        is_ahead = booked and formatting.milliseconds(booked) > window.Date.now()
        self._show_fact("next_booking", formatting.day_and_time(booked) if is_ahead else "")
        self._show_fact("address", "\n".join(line for line in lines if line))
        self._show_fact("notes", contact["internal_notes"])
        self._show_tags(contact["tags"])
        nodes["source"].textContent = formatting.SOURCE_NAMES[contact["source"]]
        nodes["since"].textContent = formatting.day(contact["date_added"])
        opted_in = contact["preferences"].get("marketing_opt_in")
        nodes["marketing"].textContent = "Has agreed" if opted_in else "Has not agreed"
        is_deleted = contact["deleted_at"] is not None
        nodes["deleted_banner"].hidden = not is_deleted
        is_erased = contact["erased_at"] is not None
        nodes["deleted_text"].textContent = ERASED_TEXT if is_erased else DELETED_TEXT
        can_manage = session.may("customers.manage")
        can_edit = can_manage and not is_deleted
        self.btn_edit.visible = self.btn_delete.visible = can_edit
        self.btn_restore.visible = can_manage and not is_erased
        nodes["privacy_box"].hidden = is_erased or not can_manage
        nodes["note_box"].hidden = not can_edit

    def _show_link(self, name, scheme, value):
        node = self.dom_nodes[name]
        node.textContent = value or ""
        node.hidden = not value
        self.dom_nodes["no_" + name].hidden = bool(value)
        if value:
            node.href = scheme + value.replace(" ", "")

    def _show_fact(self, name, value):
        self.dom_nodes[name].textContent = value or ""
        self.dom_nodes[name].hidden = self.dom_nodes[name + "_label"].hidden = not value

    def _show_tags(self, tags):
        holder = self.dom_nodes["tags"]
        holder.textContent = ""
        for tag in tags:
            chip = window.document.createElement("a")
            chip.className = "mb-chip"
            chip.textContent = tag
            chip.href = navigation_helpers.with_query("/app/contacts", {"tag": tag})
            holder.append(chip)
        holder.hidden = self.dom_nodes["tags_label"].hidden = not tags

    def _read_events(self, offset):
        return api.call_quietly(
            "get_contact_timeline",
            self.contact_id,
            event_types=dict(KIND_ITEMS)[self.dd_kind.selected_value],
            visibility=self.dd_visibility.selected_value,
            offset=offset,
            page_size=PAGE_SIZE,
        )

    def _show_events(self, answer, before=()):
        self.timeline.events = list(before) + answer["timeline"]
        self.btn_more.visible = answer["has_more"]

    @handle("dd_kind", "change")
    @handle("dd_visibility", "change")
    def dd_visibility_change(self, **event_args):
        self._reload_events()

    @handle("tasks", "x-changed")
    def _reload_events(self, **event_args):
        try:
            self._show_events(self._read_events(0))
        except api.ApiError as error:
            Notification(error.message, style="danger").show()

    @handle("btn_more", "click")
    def btn_more_click(self, **event_args):
        events = self.timeline.events
        try:
            self._show_events(self._read_events(len(events)), events)
        except api.ApiError as error:
            Notification(error.message, style="danger").show()

    @handle("txt_note", "change")
    def txt_note_change(self, **event_args):
        form_fields.clear_error(self.txt_note)

    @handle("btn_note", "click")
    def btn_note_click(self, **event_args):
        if self.add_note():
            self._reload_events()

    def is_dirty(self):
        """Whether a note was typed that is not added."""
        return bool((self.txt_note.text or "").strip())

    def discard(self):
        """Give up the note."""
        self.txt_note.text = ""

    def add_note(self):
        """Add the note and give whether that worked; if not, what was typed stays."""
        self.btn_note.enabled = False
        try:
            api.call("add_note_to_contact", self.contact_id, self.txt_note.text or "")
        except api.ApiError as error:
            self.txt_note.error = True
            self.txt_note.supporting_text = error.message
            return False
        finally:
            self.btn_note.enabled = True
        self.txt_note.text = ""
        self.dom_nodes["last_contact"].textContent = "just now"
        return True

    @handle("btn_edit", "click")
    def btn_edit_click(self, **event_args):
        navigation_helpers.go(self.path + "/edit")

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        question = (
            "{} goes out of every list. The timeline is kept, and you can restore the contact at "
            "any time."
        )
        name = self.contact["full_name"]
        if not confirm(
            "Delete this contact?", question.format(name), "Delete", keep="Keep", is_dangerous=True
        ):
            return
        try:
            api.call("delete_contact", self.contact_id)
        except api.ApiError as error:
            Notification(error.message, title="Not deleted", style="danger").show()
            return
        navigation_helpers.go("/app/contacts")
        Notification(name + " was deleted.", timeout=4).show()

    @handle("btn_restore", "click")
    def btn_restore_click(self, **event_args):
        try:
            self.contact = api.call("restore_contact", self.contact_id)["contact"]
        except api.ApiError as error:
            Notification(error.message, title="Not restored", style="danger").show()
            return
        self._show_contact()
        self._reload_events()

    @handle("btn_export", "click")
    def btn_export_click(self, **event_args):
        question = "Everything that is kept about {}, as files to hand over. The export is noted."
        chosen = ask(
            "Export data",
            question.format(self.contact["full_name"]),
            [("Cancel", None), ("For programs (JSON)", "json"), ("Spreadsheets", "csv")],
        )
        if not chosen:
            return
        try:
            answer = api.call("export_contact_data", self.contact_id, chosen)
        except api.ApiError as error:
            Notification(error.message, title="Not exported", style="danger").show()
            return
        media.download(answer["file"])

    @handle("btn_erase", "click")
    def btn_erase_click(self, **event_args):
        question = (
            "{} is erased for good: name, contact details, timeline and consents, and the account "
            "if there is one. What was paid stays in the books, without a name. Nobody can undo "
            "this."
        )
        if not confirm(
            "Erase this person?",
            question.format(self.contact["full_name"]),
            "Erase for good",
            keep="Keep",
            is_dangerous=True,
        ):
            return
        try:
            answer = api.call("erase_contact", self.contact_id)
        except api.ApiError as error:
            Notification(error.message, title="Not erased", style="danger").show()
            return
        if answer["kept_for_tax"]:
            self.load()
        else:
            navigation_helpers.go("/app/contacts")
        Notification("The person was erased.", timeout=4).show()

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/contacts")
