"""What can be done with tasks, wherever they are listed: with a word of what was done, and a way
back."""

from anvil import Notification

from ..shared import api, formatting
from ..shared.components.ConfirmationDialog import confirm

DAYS = {"tomorrow": 1, "week": 7}
DONE_TEXTS = {
    "complete": "Done.",
    "reopen": "Open again.",
    "tomorrow": "Put off to tomorrow.",
    "week": "Put off by a week.",
    "delete": "Deleted.",
    "assign": "Given away.",
}


def act(action, tasks, assigned_to=None):
    """Do something with tasks, asking first where it cannot be undone; whether it was done."""
    if action == "delete" and not _is_sure(tasks):
        return False
    ids = [task["task_id"] for task in tasks]
    more = {"assigned_to": assigned_to} if action == "assign" else {}
    if action in DAYS:
        more["days"] = DAYS[action]
    name = "snooze" if action in DAYS else action
    try:
        answer = api.call("change_tasks", ids, name, **more)
    except api.ApiError as error:
        Notification(error.message, title="Nothing was changed", style="danger").show()
        return False
    text = DONE_TEXTS[action]
    if len(ids) > 1:
        text = formatting.plural(answer["changed"], "task", "tasks") + ": " + text
    Notification(text, timeout=3).show()
    return True


def _is_sure(tasks):
    if len(tasks) == 1:
        question, text = "Delete this task?", tasks[0]["task_title"]
    else:
        question = "Delete {}?".format(formatting.plural(len(tasks), "task", "tasks"))
        text = "They go for good."
    return confirm(question, text, "Delete", keep="Keep", is_dangerous=True)
