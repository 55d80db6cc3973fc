from ._anvil_designer import ProvisionFormTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import api, form_fields, navigation_helpers, unsaved

from ...jobs import job_texts

PATH = "/app/provision"
DEBOUNCE_MS = 300
TEXTS = ("title", "name", "owner", "owner_name")
# Field -> list of get_provision_choices.
PICKED = {
    "country": "countries",
    "time_zone": "time_zones",
    "locale": "locales",
    "currency": "currencies",
}
COMPONENTS = dict((name, "txt_" + name) for name in TEXTS)
COMPONENTS.update(dict((name, "pick_" + name) for name in PICKED))
COMPONENTS.update({"vertical": "dd_vertical", "release": "dd_release"})
VERTICAL_ITEMS = [
    ("Something else", None),
    ("Yoga studio", "yoga-studio"),
    ("Guesthouse", "guesthouse"),
    ("Consultant", "consultant"),
    ("Shop", "shop"),
    ("Cleaning service", "cleaning-service"),
]


class ProvisionForm(ProvisionFormTemplate):
    """Have a new business made: its name and address, its owner, what it begins with."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "New business")
        self._started = False
        self._timer = None
        self._asked = 0
        self._is_name_typed = False
        self._sent = False
        self._key = job_texts.new_key()
        self.item = dict((name, "") for name in TEXTS)
        self.item.update(dict((name, None) for name in PICKED), vertical=None, release=None)
        self.before = dict(self.item)
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        navigation_helpers.highlight_active_nav(self.layout, "fleet")
        self.dd_vertical.items = VERTICAL_ITEMS
        self._show_sample_choice()
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)
        unsaved.watch(self, self.is_dirty)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.load()

    def load(self):
        """Read what there is to choose from."""
        self.state.kind = "loading"
        try:
            choices = api.call_quietly("get_provision_choices")
        except api.ApiError as error:
            self.state.say("error", "The form did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        for name in PICKED:
            picker = getattr(self, "pick_" + name)
            picker.items = [(label, value, more) for value, label, more in choices[PICKED[name]]]
        releases = choices["releases"]
        newest = "The newest ({})".format(releases[0]) if releases else "The newest"
        self.dd_release.items = [(newest, None)] + [(each, each) for each in releases[1:]]
        self.before = dict(self.item, **choices["defaults"])
        self.item = dict(self.before)
        self.dom_nodes["body"].hidden = False
        self.txt_title.focus()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def is_dirty(self):
        """Whether something was typed that is not sent."""
        return not self._sent and any(self.item[name] for name in TEXTS)

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    @handle("dd_vertical", "change")
    def dd_vertical_change(self, **event_args):
        self._show_sample_choice()

    def _show_sample_choice(self):
        """There are samples for the kinds of business that are known."""
        self.cb_sample.enabled = self.dd_vertical.selected_value is not None
        if not self.cb_sample.enabled:
            self.cb_sample.checked = False

    @handle("txt_title", "change")
    def txt_title_change(self, **event_args):
        if not self._is_name_typed:
            self._check_soon()

    @handle("txt_name", "change")
    def txt_name_change(self, **event_args):
        self._is_name_typed = bool((self.txt_name.text or "").strip())
        self._check_soon()

    def _check_soon(self):
        if self._timer is not None:
            window.clearTimeout(self._timer)
        self._timer = window.setTimeout(self._check_name, DEBOUNCE_MS)

    def _check_name(self, *args):
        """Whether the name can be had; an overtaken answer is dropped."""
        self._timer = None
        self._asked += 1
        asked = self._asked
        title = (self.txt_title.text or "").strip()
        name = (self.txt_name.text or "").strip() if self._is_name_typed else ""
        if not title and not name:
            self._show_check(None)
            return
        try:
            answer = api.call_quietly("check_instance_name", name, title)
        except api.ApiError:
            return  # Sending it asks again, and says what is wrong.
        if asked == self._asked and navigation_helpers.is_open(self):
            if not self._is_name_typed:
                self.txt_name.text = answer["name"]
                self.item["name"] = answer["name"]
            self._show_check(answer)

    def _show_check(self, answer):
        nodes = self.dom_nodes
        nodes["check"].classList.toggle("mc-late", bool(answer and not answer["is_free"]))
        text = ""
        if answer:
            text = answer["name"] + " is free." if answer["is_free"] else answer["problem"]
        nodes["check"].textContent = text
        nodes["suggestions"].replaceChildren()
        for name in answer["suggestions"] if answer else []:
            chip = window.document.createElement("button")
            chip.type = "button"
            chip.className = "mb-chip mc-suggestion"
            chip.textContent = name
            chip.setAttribute("aria-label", "Take " + name)
            chip.addEventListener("click", self._take_suggestion)
            nodes["suggestions"].append(chip)

    def _take_suggestion(self, event):
        self._is_name_typed = True
        self.txt_name.text = event.currentTarget.textContent
        self.item["name"] = self.txt_name.text
        form_fields.clear_error(self.txt_name)
        self._check_name()
        self.txt_name.focus()

    @handle("btn_make", "click")
    def btn_make_click(self, **event_args):
        self.dom_nodes["problem"].hidden = True
        self.btn_make.enabled = False
        try:
            business = dict(
                (name, value.strip() if isinstance(value, str) else value)
                for name, value in self.item.items()
            )
            business["sample_data"] = business["vertical"] if self.cb_sample.checked else None
            job = api.call("request_instance", business, self._key)["job"]
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            if error.code == "name_taken":
                self._is_name_typed = True
                self._check_name()
            return
        finally:
            self.btn_make.enabled = True
        self._sent = True
        navigation_helpers.go("/app/jobs/" + job["job_id"])

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/fleet")
