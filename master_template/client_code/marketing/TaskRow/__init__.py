from ._anvil_designer import TaskRowTemplate

from anvil import handle

from ...shared import navigation_helpers, session
from .. import task_texts


class TaskRow(TaskRowTemplate):
    """One task in a list. `item` is a task of `list_tasks` with `act(action, task)`,
    `choose(task, is_chosen)` or None where tasks are not chosen, and `is_chosen`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        task = self.item
        nodes = self.dom_nodes
        self.path = task_texts.address(task["task_id"])
        title = task["task_title"]
        nodes["title"].textContent = title
        nodes["title"].href = self.path
        nodes["kind"].textContent = task_texts.TYPE_NAMES[task["task_type"]]
        contact = nodes["contact"]
        contact.hidden = not task["contact_id"]
        if task["contact_id"]:
            contact.textContent = task["contact_name"] or task["contact_id"]
            contact.href = "/app/contacts/" + task["contact_id"]
        nodes["note"].textContent = task["notes"].split("\n")[0]
        nodes["due"].textContent = task_texts.due(task)
        nodes["who"].textContent = "You" if task["is_mine"] else task["assigned_name"]
        nodes["row"].classList.toggle("late", task["is_overdue"])
        nodes["row"].classList.toggle("done", task["completed"])
        self._show_actions(task, title)

    def _show_actions(self, task, title):
        self.cb_chosen.visible = task["choose"] is not None
        self.cb_chosen.checked = task["is_chosen"]
        self.cb_chosen.accessible_name = "Choose " + title
        self.btn_done.enabled = task["may_finish"]
        if task["completed"]:
            self.btn_done.icon = "check_circle"
            self.btn_done.tooltip = "Open again: " + title
        else:
            self.btn_done.tooltip = "Done: " + title
        may_manage = session.may("customers.manage")
        may_put_off = task["may_finish"] and not task["completed"]
        self.item_tomorrow.visible = self.item_week.visible = may_put_off
        self.item_open.visible = self.item_delete.visible = may_manage
        self.menu.visible = may_put_off or may_manage
        self.menu.tooltip = "What to do with " + title

    @handle("cb_chosen", "change")
    def cb_chosen_change(self, **event_args):
        self.item["choose"](self.item, bool(self.cb_chosen.checked))

    @handle("btn_done", "click")
    def btn_done_click(self, **event_args):
        self.btn_done.enabled = False
        self.item["act"]("reopen" if self.item["completed"] else "complete", self.item)

    @handle("item_tomorrow", "click")
    def item_tomorrow_click(self, **event_args):
        self.item["act"]("tomorrow", self.item)

    @handle("item_week", "click")
    def item_week_click(self, **event_args):
        self.item["act"]("week", self.item)

    @handle("item_open", "click")
    def item_open_click(self, **event_args):
        navigation_helpers.go(self.path)

    @handle("item_delete", "click")
    def item_delete_click(self, **event_args):
        self.item["act"]("delete", self.item)

    def title_click(self, event):
        navigation_helpers.follow(event, self.path)

    def contact_click(self, event):
        navigation_helpers.follow(event, "/app/contacts/" + self.item["contact_id"])
