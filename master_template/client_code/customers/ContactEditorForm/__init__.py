from ._anvil_designer import ContactEditorFormTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, drafts, form_fields, formatting, navigation_helpers, unsaved
from .. import contact_draft

# Field of the server -> component that shows its message.
COMPONENTS = {
    "first_name": "txt_first_name",
    "last_name": "txt_last_name",
    "email": "txt_email",
    "phone": "txt_phone",
    "company": "txt_company",
    "birthday": "dp_birthday",
    "tags": "txt_tags",
    "status": "dd_status",
    "source": "dd_source",
    "address.line1": "txt_line1",
    "address.line2": "txt_line2",
    "address.city": "txt_city",
    "address.postal_code": "txt_postal_code",
    "address.region": "txt_region",
    "address.country": "txt_country",
    "preferences.channel": "dd_channel",
    "internal_notes": "txt_notes",
}
CHANNEL_ITEMS = [
    ("E-mail", "email"),
    ("Telephone", "phone"),
    ("SMS", "sms"),
    ("WhatsApp", "whatsapp"),
    ("Not at all", "none"),
]


class ContactEditorForm(ContactEditorFormTemplate):
    """Make a contact, or change one. `self.item` follows the fields; nothing typed is lost."""

    def __init__(self, contact_id=None, **properties):
        self.contact_id = contact_id.upper() if contact_id else None
        self.home = "/app/contacts"
        if self.contact_id:
            self.home = "/app/contacts/" + self.contact_id
        self.path = self.home + ("/edit" if self.contact_id else "/new")
        title = "Edit " + self.contact_id if self.contact_id else "New contact"
        navigation_helpers.arrive(self.path, title)
        self.item = contact_draft.new_item()
        self.before = dict(self.item)
        self.version = None
        self.current = None
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "contacts")
        self.dom_nodes["title"].textContent = title
        self.dom_nodes["back"].href = self.home
        self.dom_nodes["back"].textContent = "‹ " + (self.contact_id or "Contacts")
        self._fill_choices()
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)
            if name.startswith("txt_") and name != "txt_notes":
                getattr(self, name).add_event_handler("pressed_enter", self.btn_save_click)
        unsaved.watch(self, self.is_dirty, save=self.save, discard=self.discard)

    def _fill_choices(self):
        names = formatting.STATUS_NAMES
        self.dd_status.items = [(names[word], word) for word in ("lead", "customer", "inactive")]
        names = formatting.SOURCE_NAMES
        self.dd_source.items = [(names[word], word) for word in names]
        self.dd_channel.items = CHANNEL_ITEMS

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        window.addEventListener("beforeunload", self._keep_draft)
        if self.contact_id:
            self.load()
        else:
            self._edit(contact_draft.new_item(), None)

    @handle("", "hide")
    def form_hide(self, **event_args):
        window.removeEventListener("beforeunload", self._keep_draft)
        self._keep_draft()

    def load(self):
        """Read the contact, then let it be edited."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_contact", self.contact_id)
        except api.ApiError as error:
            self.state.say("error", "This contact did not load", error.message, "Try again")
            return
        contact = answer["contact"]
        self.state.kind = "none"
        self.dom_nodes["title"].textContent = "Edit " + contact["full_name"]
        self._say_of_marketing(answer["marketing_end"], False)
        has_agreed = contact["preferences"].get("marketing_opt_in")
        self.cb_marketing.enabled = bool(has_agreed) or not answer["marketing_end"]
        self._edit(contact_draft.to_item(contact), contact["version"])

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _say_of_marketing(self, text, is_refusal):
        """What stands below the box for marketing: why it cannot be ticked."""
        node = self.dom_nodes["marketing_note"]
        node.textContent = text
        node.className = "mb-field-error" if is_refusal else "mb-soft"
        node.hidden = not text

    def _edit(self, item, version):
        self.before, self.version = item, version
        kept = drafts.find(self.path)
        self._fill(dict(item, **kept["item"]) if kept else item)
        if kept and kept.get("version"):
            # What was typed belongs to the version that was read then: saving it over a newer one
            # has to be a choice.
            self.version = kept["version"]
        self.dom_nodes["draft_banner"].hidden = not kept
        self.dom_nodes["body"].hidden = False
        if not self.contact_id and not kept:
            self.txt_first_name.focus()

    def _fill(self, item):
        self.item = dict(item)
        self.dp_birthday.date = contact_draft.day(item["birthday"])

    def is_dirty(self):
        """Whether something was typed that is not saved."""
        return self._started and self.item != self.before

    def discard(self):
        """Give up what was typed."""
        self._fill(self.before)
        drafts.drop(self.path)

    def _keep_draft(self, *_event):
        if self.is_dirty():
            drafts.keep(self.path, {"item": self.item, "version": self.version})
        else:
            drafts.drop(self.path)

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    @handle("dp_birthday", "change")
    def dp_birthday_change(self, **event_args):
        day = self.dp_birthday.date
        self.item["birthday"] = day.isoformat() if day else ""

    @handle("btn_discard", "click")
    def btn_discard_click(self, **event_args):
        drafts.drop(self.path)
        self.dom_nodes["draft_banner"].hidden = True
        if self.contact_id:
            self._fill(self.before)
            self.load()
        else:
            self._fill(contact_draft.new_item())

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        self._save_and_show()

    def _save_and_show(self):
        if self.save() and navigation_helpers.is_open(self):
            navigation_helpers.go("/app/contacts/" + self.contact_id, replace=True)

    def save(self):
        """Send what has changed and give whether it is saved; each refusal shows where it
        belongs."""
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        try:
            if self.contact_id:
                changed = contact_draft.changes(self.before, self.item)
                if changed:
                    api.call("update_contact", self.contact_id, changed, self.version)
            else:
                answer = api.call("create_contact", contact_draft.to_contact(self.item))
                self.contact_id = answer["contact"]["contact_id"]
        except api.ApiError as error:
            self._show_error(error)
            return False
        finally:
            self.btn_save.enabled = True
        self.before = dict(self.item)
        drafts.drop(self.path)
        Notification("Saved.", timeout=2).show()
        return True

    def _show_error(self, error):
        fields = dict(error.fields)
        refused = fields.pop("preferences.marketing_opt_in", "")
        if refused:
            self._say_of_marketing(refused, True)
            self.cb_marketing.focus()
        left = form_fields.show_errors(self, COMPONENTS, fields)
        self.current = error.answer.get("current") if error.code == "edited_meanwhile" else None
        self.btn_theirs.visible = self.btn_mine.visible = self.current is not None
        if left or not error.fields:
            self.dom_nodes["problem_text"].textContent = " ".join(left) or error.message
            self.dom_nodes["problem"].hidden = False
            self.dom_nodes["problem"].scrollIntoView({"block": "nearest"})

    @handle("btn_theirs", "click")
    def btn_theirs_click(self, **event_args):
        self.before = contact_draft.to_item(self.current)
        self.version = self.current["version"]
        self._fill(self.before)
        drafts.drop(self.path)
        self.dom_nodes["problem"].hidden = True
        self.dom_nodes["draft_banner"].hidden = True

    @handle("btn_mine", "click")
    def btn_mine_click(self, **event_args):
        # Only the fields that this person changed are sent, so the other person's stay.
        self.version = self.current["version"]
        self._save_and_show()

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        navigation_helpers.go(self.home, replace=True)

    def back_click(self, event):
        navigation_helpers.follow(event, self.home)
