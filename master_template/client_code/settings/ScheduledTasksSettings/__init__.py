from ._anvil_designer import ScheduledTasksSettingsTemplate

from anvil import handle

from ...shared import api


class ScheduledTasksSettings(ScheduledTasksSettingsTemplate):
    """What Mybizz does by itself and when: its last run, its next one, and what came of it."""

    def __init__(self, **properties):
        self.init_components(**properties)

    def load(self):
        """Read what there is, and show a card for each."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("list_scheduled_jobs")
        except api.ApiError as error:
            self.state.say("error", "This did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self.dom_nodes["zone"].textContent = "Times are those of {}.".format(
            answer["time_zone"].replace("_", " ")
        )
        self.rp_jobs.items = answer["jobs"]

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()
