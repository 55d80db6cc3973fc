from ._anvil_designer import TaskRulesFormTemplate

from anvil import handle

from ...shared import api, navigation_helpers

PATH = "/app/tasks/rules"


class TaskRulesForm(TaskRulesFormTemplate):
    """The tasks that Mybizz makes by itself: which, when, in what words and for whom."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Automatic tasks")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "tasks")

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.load()

    def load(self):
        """Read the rules and show a card for each."""
        self.state.kind = "loading"
        try:
            people = api.call_quietly("list_task_people")["people"]
            rules = api.call_quietly("list_task_rules")["rules"]
        except api.ApiError as error:
            self.state.say("error", "The rules did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.rp_rules.items = [dict(rule, people=people) for rule in rules]

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/tasks")
