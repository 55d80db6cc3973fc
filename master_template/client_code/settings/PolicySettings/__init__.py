from ._anvil_designer import PolicySettingsTemplate

from anvil import handle
from anvil.js import window

from ...shared import api
from ...shared.editing import Editor

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
        self._asked = 0
        self.init_components(**properties)
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._policies,
            store=self._store,
            needs="settings.manage",
            what="The policies",
        )
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("lost_focus", self._field_left)
        self.sw_can_reschedule.enabled = self.editor.may
        self.sw_can_reschedule.accessible_name = "Customers may move a booking"

    def load(self):
        """Read the policies and show them."""
        self.editor.load()

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return self.editor.is_dirty()

    def _fetch(self):
        return api.call_quietly("get_policies")

    def _store(self, policies, version):
        return api.call("update_policies", policies, version)

    def _show(self, answer):
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
