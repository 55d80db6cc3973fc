from ._anvil_designer import DunningFormTemplate

from anvil import Notification, handle
from anvil.js import window

from master_template.shared import api, form_fields, navigation_helpers, session, unsaved

PATH = "/app/billing/dunning"
NUMBERS = ("suspend_days", "warn_days", "ended_days")
COMPONENTS = dict((name, "txt_" + name) for name in ("reminder_days",) + NUMBERS)


class DunningForm(DunningFormTemplate):
    """When who does not pay is reminded, warned and suspended."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Reminders")
        self._started = False
        self.before = None
        self.version = 0
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "billing")
        form_fields.remember_hints(self, COMPONENTS)
        may = session.may("billing.manage")
        for name in COMPONENTS.values():
            component = getattr(self, name)
            component.enabled = may
            component.add_event_handler("change", self._field_change)
        self.sw_is_suspending.enabled = self.btn_save.visible = may
        self.sw_is_suspending.accessible_name = "Suspend by itself"
        unsaved.watch(self, self.is_dirty, save=self.save)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.load()

    def load(self):
        """Read the rules and show them."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_dunning_rules")
        except api.ApiError as error:
            self.state.say("error", "The settings did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self._show(answer)
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _show(self, answer):
        rules = answer["rules"]
        self.version = answer["version"]
        self.txt_reminder_days.text = ", ".join(str(day) for day in rules["reminder_days"])
        for name in NUMBERS:
            getattr(self, "txt_" + name).text = rules[name]
        self.sw_is_suspending.selected = rules["is_suspending"]
        self.before = self._read()
        self._show_words()

    def _read(self):
        words = (self.txt_reminder_days.text or "").replace(",", " ").split()
        rules = dict((name, getattr(self, "txt_" + name).text) for name in NUMBERS)
        rules["reminder_days"] = [int(word) if word.isdigit() else word for word in words]
        rules["is_suspending"] = bool(self.sw_is_suspending.selected)
        return rules

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return self.before is not None and self._read() != self.before

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)
        self._show_words()

    @handle("sw_is_suspending", "change")
    def sw_is_suspending_change(self, **event_args):
        self._show_words()

    def _show_words(self):
        """What a tenant goes through, as far as what is typed makes sense."""
        rules, steps = self._read(), []
        for day in rules["reminder_days"]:
            if isinstance(day, int):
                steps.append((day, "A reminder goes out by e-mail."))
        limit, before = rules["suspend_days"], rules["warn_days"]
        if rules["is_suspending"] and isinstance(limit, (int, float)):
            if isinstance(before, (int, float)):
                steps.append((int(limit - before), "The last warning goes out by e-mail."))
            steps.append((int(limit), "The tenant's app is switched off; its data stays."))
        place = self.dom_nodes["words"]
        place.replaceChildren()
        for day, text in sorted(steps):
            node, label = window.document.createElement("li"), window.document.createElement("b")
            label.textContent = "Day {}".format(day)
            node.append(label, text)
            place.append(node)

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        if self.is_dirty():
            self.save()
        else:
            Notification("There was nothing to save.", timeout=2).show()

    def save(self):
        """Send the rules; give whether they are saved."""
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        try:
            answer = api.call("update_dunning_rules", self._read(), self.version)
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return False
        finally:
            self.btn_save.enabled = True
        form_fields.show_errors(self, COMPONENTS, {})
        self._show(answer)
        Notification("Saved.", timeout=2).show()
        return True

    def mails_click(self, event):
        navigation_helpers.follow(event, "/app/settings/notifications")
