from ._anvil_designer import BusinessProfileSettingsTemplate

from anvil import Notification, handle

from ...shared import api, form_fields, session

TEXTS = (
    "business_name",
    "tagline",
    "description",
    "email",
    "phone",
    "time_zone",
    "locale",
    "currency",
    "primary_color",
)
# Field of the server's address -> field of the form.
ADDRESS = {
    "line1": "line1",
    "city": "city",
    "postal_code": "postal_code",
    "country": "country_name",
}
COMPONENTS = {
    "business_name": "txt_business_name",
    "tagline": "txt_tagline",
    "description": "txt_description",
    "email": "txt_email",
    "phone": "txt_phone",
    "address.line1": "txt_line1",
    "address.city": "txt_city",
    "address.postal_code": "txt_postal_code",
    "address.country": "txt_country",
    "time_zone": "txt_time_zone",
    "locale": "txt_locale",
    "currency": "txt_currency",
    "primary_color": "txt_primary_color",
}


class BusinessProfileSettings(BusinessProfileSettingsTemplate):
    """The business profile: name, contact, place, time zone, currency and colour."""

    def __init__(self, **properties):
        self.item = dict((name, "") for name in TEXTS + tuple(ADDRESS.values()))
        self.before = {}
        self.address = {}
        self.version = None
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            component = getattr(self, name)
            component.add_event_handler("change", self._field_change)
            component.enabled = session.may("settings.manage")
        self.btn_save.visible = session.may("settings.manage")

    def load(self):
        """Read the settings and show them."""
        self.state.kind = "loading"
        try:
            settings = api.call_quietly("get_settings")["settings"]
        except api.ApiError as error:
            self.state.say("error", "The settings did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self._show(settings)
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return self.version is not None and self._profile(self.item) != self.before

    def _show(self, settings):
        item = dict((name, settings[name] or "") for name in TEXTS)
        self.address = dict(settings["address"] or {})
        for name in ADDRESS:
            item[ADDRESS[name]] = self.address.get(name) or ""
        self.version = settings["version"]
        self.before = self._profile(item)
        self.item = item

    def _profile(self, item):
        profile = dict((name, (item[name] or "").strip()) for name in TEXTS)
        profile["currency"] = profile["currency"].upper()
        address = dict(self.address)
        for name in ADDRESS:
            address[name] = item[ADDRESS[name]] or ""
        profile["address"] = address
        return profile

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        profile = self._profile(self.item)
        changed = dict(
            (name, profile[name]) for name in profile if profile[name] != self.before[name]
        )
        self.dom_nodes["problem"].hidden = True
        if not changed:
            Notification("There was nothing to save.", timeout=2).show()
            return
        self.btn_save.enabled = False
        try:
            settings = api.call("update_business_profile", changed, self.version)["settings"]
            session.refresh()
        except api.ApiError as error:
            left = form_fields.show_errors(self, COMPONENTS, error.fields)
            if left or not error.fields:
                self.dom_nodes["problem_text"].textContent = " ".join(left) or error.message
                self.dom_nodes["problem"].hidden = False
            return
        finally:
            self.btn_save.enabled = True
        self._show(settings)
        Notification("Saved.", timeout=2).show()
