from ._anvil_designer import BusinessProfileSettingsTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, form_fields, session, unsaved

TEXTS = (
    "business_name",
    "tagline",
    "description",
    "email",
    "phone",
    "social_facebook",
    "social_instagram",
    "social_twitter",
    "social_linkedin",
)
ADDRESS = ("line1", "line2", "city", "region", "postal_code")
# Field -> list of get_profile_choices.
PICKED = {
    "country": "countries",
    "time_zone": "time_zones",
    "locale": "locales",
    "currency": "currencies",
}
# Field of the server -> component.
COMPONENTS = dict((name, "txt_" + name) for name in TEXTS)
COMPONENTS.update(dict(("address." + name, "txt_" + name) for name in ADDRESS))
COMPONENTS.update(dict((name, "pick_" + name) for name in PICKED))
SAMPLE_AMOUNT = 1234.5


class BusinessProfileSettings(BusinessProfileSettingsTemplate):
    """The business profile: name, contact, place, time zone, currency, language."""

    def __init__(self, **properties):
        self.item = dict((name, "") for name in TEXTS + ADDRESS)
        self.item.update(dict((name, None) for name in PICKED))
        self.before = {}
        self.version = None
        self.theirs = None
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            component = getattr(self, name)
            component.add_event_handler("change", self._field_change)
            component.enabled = session.may("settings.manage")
        self.btn_save.visible = session.may("settings.manage")
        unsaved.watch(self, self.is_dirty, save=self.save)

    def load(self):
        """Read the settings and what there is to choose from, and show them."""
        self.state.kind = "loading"
        try:
            settings = api.call_quietly("get_settings")["settings"]
            choices = api.call_quietly("get_profile_choices")
        except api.ApiError as error:
            self.state.say("error", "The settings did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        for name in PICKED:
            picker = getattr(self, "pick_" + name)
            picker.items = [(label, value, more) for value, label, more in choices[PICKED[name]]]
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
        address = settings["address"] or {}
        for name in ADDRESS:
            item[name] = address.get(name) or ""
        for name in PICKED:
            item[name] = settings[name]
        self.version = settings["version"]
        self.before = self._profile(item)
        self.item = item
        self._show_sample()

    def _profile(self, item):
        profile = dict((name, (item[name] or "").strip()) for name in TEXTS)
        profile["address"] = dict((name, (item[name] or "").strip()) for name in ADDRESS)
        for name in PICKED:
            profile[name] = item[name]
        return profile

    def _show_sample(self):
        """How dates and money look with what is chosen."""
        item = self.item
        if not (item["locale"] and item["currency"] and item["time_zone"]):
            return
        intl = window.Intl
        style = {"style": "currency", "currency": item["currency"]}
        amount = intl.NumberFormat(item["locale"], style).format(SAMPLE_AMOUNT)
        style = {"dateStyle": "long", "timeStyle": "short", "timeZone": item["time_zone"]}
        now = intl.DateTimeFormat(item["locale"], style).format(window.Date.now())
        self.dom_nodes["sample"].textContent = "For example: " + now + " · " + amount

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)
        self._show_sample()

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        if self.is_dirty():
            self.save()
        else:
            Notification("There was nothing to save.", timeout=2).show()

    def save(self):
        """Send what has changed; give whether it is saved."""
        profile = self._profile(self.item)
        changed = dict(
            (name, profile[name]) for name in profile if profile[name] != self.before[name]
        )
        self._say("")
        self.btn_save.enabled = False
        try:
            settings = api.call("update_business_profile", changed, self.version)["settings"]
            session.refresh()
        except api.ApiError as error:
            self._show_error(error)
            return False
        finally:
            self.btn_save.enabled = True
        form_fields.show_errors(self, COMPONENTS, {})
        self._show(settings)
        self.raise_event("x-menu-changed")
        Notification("Saved.", timeout=2).show()
        return True

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text
        self.btn_theirs.visible = self.btn_mine.visible = bool(text) and self.theirs is not None
        if text:
            self.dom_nodes["problem"].scrollIntoView({"block": "nearest"})

    def _show_error(self, error):
        left = form_fields.show_errors(self, COMPONENTS, error.fields)
        self.theirs = None
        if error.code == "edited_meanwhile":
            try:
                self.theirs = api.call_quietly("get_settings")["settings"]
            except api.ApiError:
                pass  # then there is the message alone
        if left or not error.fields:
            self._say(" ".join(left) or error.message)

    @handle("btn_theirs", "click")
    def btn_theirs_click(self, **event_args):
        self._show(self.theirs)
        self._say("")

    @handle("btn_mine", "click")
    def btn_mine_click(self, **event_args):
        # Only the fields that this person changed are sent, so the other person's stay.
        self.version = self.theirs["version"]
        self.save()
