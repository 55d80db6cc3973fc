from ._anvil_designer import TaskRuleCardTemplate

from anvil import Notification, handle

from ...shared import api, form_fields, session, unsaved

COMPONENTS = {"title": "txt_title", "days": "txt_days", "assigned_to": "dd_person"}


class TaskRuleCard(TaskRuleCardTemplate):
    """One rule. `item` is a rule of `list_task_rules` with `people`, whom a task can be for."""

    def __init__(self, **properties):
        self.init_components(**properties)
        rule = self.rule = self.item
        self.dom_nodes["label"].textContent = rule["label"]
        self.dom_nodes["about"].textContent = rule["about"]
        self.txt_days.label = rule["days_label"]
        people = [(one["name"], one["user_id"]) for one in rule["people"]]
        self.dd_person.items = [("Whoever the booking is with, or nobody", None)] + people
        self.sw_enabled.accessible_name = rule["label"]
        may = session.may("settings.manage")
        self.btn_save.visible = may
        self.sw_enabled.enabled = may
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).enabled = may
            getattr(self, name).add_event_handler("change", self._field_change)
        self._show(rule)
        unsaved.watch(self, self.is_dirty, save=self.save)

    def _show(self, rule):
        self.rule = rule
        self.sw_enabled.selected = rule["is_enabled"]
        self.txt_title.text = rule["title"]
        self.txt_days.text = str(rule["days"])
        self.dd_person.selected_value = rule["assigned_to"]
        self.before = self._read()

    def _read(self):
        text = str(self.txt_days.text or "").strip()
        return {
            "is_enabled": bool(self.sw_enabled.selected),
            "title": (self.txt_title.text or "").strip(),
            "days": int(text) if text.isdigit() else text,
            "assigned_to": self.dd_person.selected_value,
        }

    def is_dirty(self):
        """Whether something is changed that is not saved."""
        return self._read() != self.before

    def save(self):
        """Send what the card says; give whether it is saved."""
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        try:
            rule = self.rule
            answer = api.call("update_task_rule", rule["name"], self._read(), rule["version"])
        except api.ApiError as error:
            form_fields.show_refusal(self, COMPONENTS, error)
            return False
        finally:
            self.btn_save.enabled = True
        form_fields.show_errors(self, COMPONENTS, {})
        self._show(answer["rule"])
        Notification("Saved.", timeout=2).show()
        return True

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    @handle("sw_enabled", "change")
    def sw_enabled_change(self, **event_args):
        # A switch acts at once; what is typed beside it is saved with it.
        if not self.save():
            self.sw_enabled.selected = not self.sw_enabled.selected

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        self.save()
