from ._anvil_designer import TasksPanelTemplate

from anvil import handle

from ...shared import api, navigation_helpers, session
from .. import task_actions


class TasksPanel(TasksPanelTemplate):
    """What is to be done for one contact; `show(contact_id)` reads it. Event `x-changed` tells
    that something was done, of which the timeline may tell."""

    def __init__(self, **properties):
        self.contact_id = None
        self.init_components(**properties)
        self.btn_new.visible = session.may("customers.manage")

    def show(self, contact_id):
        """Read and show the open tasks of a contact."""
        self.contact_id = contact_id
        try:
            tasks = api.call_quietly("get_contact_tasks", contact_id)["tasks"]
        except api.ApiError as error:
            self.dom_nodes["none"].textContent = error.message
            return
        for task in tasks:
            task.update(act=self._act, choose=None, is_chosen=False, contact_id=None)
        self.rp_tasks.items = tasks
        self.dom_nodes["none"].textContent = "" if tasks else "Nothing is to be done."

    def _act(self, action, task):
        if task_actions.act(action, [task]):
            self.raise_event("x-changed")
        self.show(self.contact_id)

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        values = {"contact": self.contact_id}
        navigation_helpers.go(navigation_helpers.with_query("/app/tasks/new", values))
