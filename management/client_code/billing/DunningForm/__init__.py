from ._anvil_designer import DunningFormTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import api, navigation_helpers
from master_template.shared.editing import Editor

PATH = "/app/billing/dunning"
NUMBERS = ("suspend_days", "warn_days", "ended_days")
COMPONENTS = dict((name, "txt_" + name) for name in ("reminder_days",) + NUMBERS)


class DunningForm(DunningFormTemplate):
    """When who does not pay is reminded, warned and suspended."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Reminders")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "billing")
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._read,
            store=self._store,
            needs="billing.manage",
            what="The settings",
            on_change=self._show_words,
        )
        self.sw_is_suspending.enabled = self.editor.may
        self.sw_is_suspending.accessible_name = "Suspend by itself"

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.editor.load()

    def _fetch(self):
        return api.call_quietly("get_dunning_rules")

    def _store(self, rules, version):
        return api.call("update_dunning_rules", rules, version)

    def _show(self, answer):
        rules = answer["rules"]
        self.txt_reminder_days.text = ", ".join(str(day) for day in rules["reminder_days"])
        for name in NUMBERS:
            getattr(self, "txt_" + name).text = rules[name]
        self.sw_is_suspending.selected = rules["is_suspending"]
        self._show_words()

    def _read(self):
        words = (self.txt_reminder_days.text or "").replace(",", " ").split()
        rules = dict((name, getattr(self, "txt_" + name).text) for name in NUMBERS)
        rules["reminder_days"] = [int(word) if word.isdigit() else word for word in words]
        rules["is_suspending"] = bool(self.sw_is_suspending.selected)
        return rules

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

    def mails_click(self, event):
        navigation_helpers.follow(event, "/app/settings/notifications")
