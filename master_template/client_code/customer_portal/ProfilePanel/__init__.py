from ._anvil_designer import ProfilePanelTemplate

from anvil import Notification, handle

from ...shared import api, form_fields, session, unsaved

NAMES = ("first_name", "last_name", "phone")
ADDRESS = ("line1", "line2", "city", "region", "postal_code", "country")
COMPONENTS = {
    "first_name": "txt_first_name",
    "last_name": "txt_last_name",
    "phone": "txt_phone",
    "address.line1": "txt_line1",
    "address.line2": "txt_line2",
    "address.city": "txt_city",
    "address.region": "txt_region",
    "address.postal_code": "txt_postal_code",
    "address.country": "txt_country",
}


class ProfilePanel(ProfilePanelTemplate):
    """A customer's own details, to read and to change."""

    def __init__(self, **properties):
        self.item = dict((name, "") for name in NAMES + ADDRESS)
        self.saved = None
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)
        unsaved.watch(self, self.is_dirty, save=self.save)

    def show_profile(self, profile):
        """Show a profile as the server gives it, and take it for what is saved."""
        item = dict((name, profile[name]) for name in NAMES)
        for name in ADDRESS:
            item[name] = profile["address"].get(name) or ""
        self.saved = dict(item)
        self.item = item

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return self.saved is not None and self._typed() != self.saved

    def _typed(self):
        return dict((name, (self.item[name] or "").strip()) for name in NAMES + ADDRESS)

    def _changes(self):
        typed = self._typed()
        changes = dict((name, typed[name]) for name in NAMES if typed[name] != self.saved[name])
        if any(typed[name] != self.saved[name] for name in ADDRESS):
            changes["address"] = dict((name, typed[name]) for name in ADDRESS)
        return changes

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    def save(self):
        """Save what was changed; whether that worked. Messages stand at the fields."""
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        try:
            profile = api.call("update_my_profile", self._changes())["profile"]
            session.refresh()
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return False
        finally:
            self.btn_save.enabled = True
        form_fields.show_errors(self, COMPONENTS, {})
        self.show_profile(profile)
        return True

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        if not self.is_dirty():
            Notification("There was nothing to save.", timeout=2).show()
        elif self.save():
            Notification("Saved.", timeout=2).show()
