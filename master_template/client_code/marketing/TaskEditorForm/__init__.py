from ._anvil_designer import TaskEditorFormTemplate

from anvil import handle

from ...shared import api, navigation_helpers, session
from ...shared.editing import Editor
from .. import task_actions, task_texts

PATH = "/app/tasks"
COMPONENTS = {
    "task_title": "txt_title",
    "due_date": "dp_due",
    "task_type": "dd_type",
    "contact_id": "sp_contact",
    "assigned_to": "dd_person",
    "notes": "txt_notes",
}
MAX_FOUND = 20


class TaskEditorForm(TaskEditorFormTemplate):
    """A new task, or one that is there."""

    def __init__(self, task_id=None, **properties):
        self.task_id = task_texts.id_of(task_id) if task_id else None
        self.contact_id = navigation_helpers.query().get("contact")
        self.task = None
        self._started = False
        self.init_components(**properties)
        path = task_texts.address(self.task_id) if self.task_id else PATH + "/new"
        navigation_helpers.arrive(path, "Task" if self.task_id else "New task")
        navigation_helpers.highlight_active_nav(self.layout, "tasks")
        self.dom_nodes["heading"].textContent = "Task" if self.task_id else "New task"
        self.btn_done.visible = self.btn_delete.visible = False
        self.sp_contact.look_up(self._find_contacts)
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._read,
            store=self._store,
            needs="customers.manage",
            what="The task",
        )

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.editor.load()
        if not self.task_id and self.editor.may:
            self.txt_title.focus()

    def _fetch(self):
        people = api.call_quietly("list_task_people")["people"]
        nobody = [("Nobody in particular", None)]
        self.dd_person.items = nobody + [(one["name"], one["user_id"]) for one in people]
        if self.task_id:
            return api.call_quietly("get_task", self.task_id)
        task = {"task_type": "custom", "contact_id": None, "contact_name": ""}
        if self.contact_id:
            contact = api.call_quietly("get_contact", self.contact_id)["contact"]
            task["contact_id"] = contact["contact_id"]
            task["contact_name"] = contact["full_name"]
        return {"task": task, "version": 0}

    def _show(self, answer):
        task = self.task = answer["task"]
        kinds = task_texts.OWN_TYPES
        if task["task_type"] not in kinds:
            kinds = kinds + (task["task_type"],)
        self.dd_type.items = [(task_texts.TYPE_NAMES[kind], kind) for kind in kinds]
        self.dd_type.selected_value = task["task_type"]
        self.txt_title.text = task.get("task_title") or ""
        self.txt_notes.text = task.get("notes") or ""
        self.dp_due.date = task.get("due_date")
        self.dd_person.selected_value = task.get("assigned_to")
        if task["contact_id"]:
            name = task["contact_name"] or task["contact_id"]
            self.sp_contact.remember(task["contact_id"], name)
        self.sp_contact.selected_value = task["contact_id"]
        self._show_state(task)

    def _show_state(self, task):
        if not self.task_id:
            return
        self.dom_nodes["heading"].textContent = task["task_title"]
        navigation_helpers.set_title(task["task_title"])
        said = [task_texts.due(task)]
        if task["auto_generated"]:
            said.append("made automatically")
        if task["booking_number"]:
            said.append("for the booking " + task["booking_number"])
        if task["completed_by"]:
            said.append("by " + task["completed_by"])
        self.dom_nodes["subtitle"].textContent = " · ".join(said)
        self.btn_done.visible = task["may_finish"]
        self.btn_done.text = "Open again" if task["completed"] else "Done"
        self.btn_done.icon = "undo" if task["completed"] else "check"
        self.btn_delete.visible = session.may("customers.manage")

    def _read(self):
        day = self.dp_due.date
        return {
            "task_title": (self.txt_title.text or "").strip(),
            "due_date": day.isoformat() if day else None,
            "task_type": self.dd_type.selected_value,
            "contact_id": self.sp_contact.selected_value,
            "assigned_to": self.dd_person.selected_value,
            "notes": (self.txt_notes.text or "").strip(),
        }

    def _store(self, values, version):
        if self.task_id:
            return api.call("update_task", self.task_id, values, version)
        answer = api.call("create_task", values)
        self.task_id = answer["task_id"]
        navigation_helpers.replace_address(task_texts.address(self.task_id))
        return {"task": answer["task"], "version": answer["task"]["version"]}

    def _find_contacts(self, text):
        try:
            query = {"search": text, "page_size": MAX_FOUND}
            found = api.call_quietly("list_contacts", query)["contacts"]
        except api.ApiError:
            return []
        items = [("Nobody", None)] if not text else []
        for contact in found:
            label = "{} ({})".format(contact["full_name"], contact["contact_id"])
            items.append((label, contact["contact_id"]))
        return items

    @handle("btn_done", "click")
    def btn_done_click(self, **event_args):
        if task_actions.act("reopen" if self.task["completed"] else "complete", [self.task]):
            self._leave_or_reload()

    def _leave_or_reload(self):
        if self.editor.is_dirty():
            self.editor.version = self.editor.version + 1
            self.task["completed"] = not self.task["completed"]
            self._show_state(self.task)
        else:
            self.editor.load()

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        if task_actions.act("delete", [self.task]):
            self.editor.before = None  # What was typed goes with the task.
            navigation_helpers.go(PATH)

    def back_click(self, event):
        navigation_helpers.follow(event, PATH)
