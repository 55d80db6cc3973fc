from ._anvil_designer import TaskListFormTemplate

from anvil import handle
from m3._Components.MenuItem import MenuItem

from ...shared import api, formatting, navigation_helpers, session
from ...shared.listing import Listing
from .. import task_actions, task_texts

PATH = "/app/tasks"
WORDS = {
    "one": "task",
    "many": "tasks",
    "none": "Nothing to do",
    "none_text": "Tasks that you make, and those that Mybizz thinks of, stand here by the day they "
    "are due.",
}


class TaskListForm(TaskListFormTemplate):
    """What is to be done, by when, for whom and by whom."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Tasks")
        self._started = False
        self.chosen = {}
        self.may_choose = session.may("customers.manage")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "tasks")
        self.btn_new.visible = self.may_choose
        self.btn_rules.visible = session.may("settings.view")
        self.dd_whose.items = task_texts.WHOSE_ITEMS
        self.dd_type.items = task_texts.TYPE_ITEMS
        controls = {
            "view": self.views,
            "search": self.txt_search,
            "whose": self.dd_whose,
            "task_type": self.dd_type,
        }
        self.listing = Listing(
            self,
            PATH,
            "list_tasks",
            "tasks",
            controls,
            WORDS,
            prepare=self._prepare,
            on_show=self._show_counts,
        )

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    def _prepare(self, tasks):
        """A page of tasks with what its rows do; those that stay on it stay chosen."""
        shown = dict((task["task_id"], task) for task in tasks)
        self.chosen = dict((key, shown[key]) for key in self.chosen if key in shown)
        for task in tasks:
            task["act"] = self._act
            task["choose"] = self._choose if self.may_choose else None
            task["is_chosen"] = task["task_id"] in self.chosen
        return tasks

    def _show_counts(self, answer):
        self.views.show_counts(answer["counts"])
        tasks = answer["tasks"]
        self.dom_nodes["row_head"].hidden = not (tasks and self.may_choose)
        self._show_chosen(len(tasks))

    def _act(self, action, task):
        task_actions.act(action, [task])
        self.listing.load()

    def _choose(self, task, is_chosen):
        if is_chosen:
            self.chosen[task["task_id"]] = task
        else:
            self.chosen.pop(task["task_id"], None)
        self._show_chosen(len(self.listing.answer["tasks"]))

    def _show_chosen(self, shown):
        count = len(self.chosen)
        self.cb_all.checked = bool(count) and count == shown
        self.dom_nodes["bulk"].hidden = not count
        self.dom_nodes["chosen"].textContent = (
            formatting.plural(count, "task is chosen", "tasks are chosen") if count else ""
        )

    @handle("cb_all", "change")
    def cb_all_change(self, **event_args):
        tasks = self.listing.answer["tasks"]
        self.chosen = {}
        if self.cb_all.checked:
            self.chosen = dict((task["task_id"], task) for task in tasks)
        for task in tasks:
            task["is_chosen"] = task["task_id"] in self.chosen
        self.rp_items.items = tasks
        self._show_chosen(len(tasks))

    def _act_on_chosen(self, action, assigned_to=None):
        if task_actions.act(action, list(self.chosen.values()), assigned_to):
            self.chosen = {}
            self.listing.load()

    @handle("btn_bulk_done", "click")
    def btn_bulk_done_click(self, **event_args):
        self._act_on_chosen("complete")

    @handle("btn_bulk_later", "click")
    def btn_bulk_later_click(self, **event_args):
        self._act_on_chosen("week")

    @handle("btn_bulk_delete", "click")
    def btn_bulk_delete_click(self, **event_args):
        self._act_on_chosen("delete")

    @handle("btn_bulk_none", "click")
    def btn_bulk_none_click(self, **event_args):
        self.cb_all.checked = False
        self.cb_all_change()

    @handle("menu_assign", "click")
    def menu_assign_click(self, **event_args):
        if self.menu_assign.menu_items:
            return
        try:
            people = api.call("list_task_people")["people"]
        except api.ApiError:
            return
        items = []
        for person in people + [{"user_id": None, "name": "Nobody"}]:
            item = MenuItem(text=person["name"])
            item.tag = person["user_id"]
            item.add_event_handler("click", self._assign_click)
            items.append(item)
        self.menu_assign.menu_items = items

    def _assign_click(self, sender, **event_args):
        is_person = isinstance(sender.tag, str)
        self._act_on_chosen("assign", sender.tag if is_person else None)

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go(PATH + "/new")

    @handle("btn_rules", "click")
    def btn_rules_click(self, **event_args):
        navigation_helpers.go(PATH + "/rules")
