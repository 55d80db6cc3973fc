from ._anvil_designer import PolicySettingsTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, form_fields, session, unsaved

NUMBERS = (
    "cancellation_hours",
    "late_cancellation_percent",
    "no_show_percent",
    "reschedule_hours",
    "reschedule_limit",
    "refund_percent",
    "refund_days",
)
COMPONENTS = dict((name, "txt_" + name) for name in NUMBERS + ("notes",))


class PolicySettings(PolicySettingsTemplate):
    """What holds when someone cancels, does not come, moves a booking or wants money back."""

    def __init__(self, **properties):
        self.item = dict((name, None) for name in NUMBERS)
        self.item.update({"can_reschedule": True, "notes": ""})
        self.before = {}
        self.version = None
        self._asked = 0
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        may = session.may("settings.manage")
        for name in COMPONENTS.values():
            component = getattr(self, name)
            component.enabled = may
            component.add_event_handler("change", self._field_change)
            component.add_event_handler("lost_focus", self._field_left)
        self.sw_can_reschedule.enabled = self.btn_save.visible = may
        self.sw_can_reschedule.accessible_name = "Customers may move a booking"
        unsaved.watch(self, self.is_dirty, save=self.save)

    def load(self):
        """Read the policies and show them."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_policies")
        except api.ApiError as error:
            self.state.say("error", "The policies did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self._show(answer)
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return self.version is not None and self._policies() != self.before

    def _show(self, answer):
        self.version = answer["version"]
        self.before = dict(answer["policies"])
        self.item = dict(answer["policies"])
        self.sw_can_reschedule.selected = self.item["can_reschedule"]
        self._show_moving()
        self._show_words(answer["words"])

    def _policies(self):
        policies = dict((name, getattr(self, "txt_" + name).text) for name in NUMBERS)
        policies["can_reschedule"] = bool(self.sw_can_reschedule.selected)
        policies["notes"] = (self.txt_notes.text or "").strip()
        return policies

    def _show_moving(self):
        self.dom_nodes["moving"].hidden = not self.sw_can_reschedule.selected

    def _show_words(self, words):
        place = self.dom_nodes["words"]
        place.replaceChildren()
        for heading, text in words:
            for tag, content in (("dt", heading), ("dd", text)):
                node = window.document.createElement(tag)
                node.textContent = content
                place.append(node)

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    def _field_left(self, **event_args):
        self._preview()

    @handle("sw_can_reschedule", "change")
    def sw_can_reschedule_change(self, **event_args):
        self._show_moving()
        self._preview()

    def _preview(self):
        """Say in words what is typed; what cannot be is told at its field."""
        self._asked += 1
        number = self._asked
        try:
            words = api.call_quietly("preview_policies", self._policies())["words"]
            faults = {}
        except api.ApiError as error:
            words, faults = None, error.fields
        if number != self._asked:
            return
        for name in COMPONENTS:
            field = getattr(self, COMPONENTS[name])
            field.error = name in faults
            field.supporting_text = faults.get(name) or field.tag
        if words is not None:
            self._show_words(words)

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        if self.is_dirty():
            self.save()
        else:
            Notification("There was nothing to save.", timeout=2).show()

    def save(self):
        """Send the policies; give whether they are saved."""
        self._say("")
        self.btn_save.enabled = False
        try:
            answer = api.call("update_policies", self._policies(), self.version)
        except api.ApiError as error:
            left = form_fields.show_errors(self, COMPONENTS, error.fields)
            self.btn_again.visible = error.code == "edited_meanwhile"
            if left or not error.fields:
                self._say(" ".join(left) or error.message)
            return False
        finally:
            self.btn_save.enabled = True
        form_fields.show_errors(self, COMPONENTS, {})
        self._show(answer)
        Notification("Saved.", timeout=2).show()
        return True

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text

    @handle("btn_again", "click")
    def btn_again_click(self, **event_args):
        try:
            self.version = api.call_quietly("get_policies")["version"]
        except api.ApiError as error:
            self._say(error.message)
            return
        self.save()
