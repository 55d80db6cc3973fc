from ._anvil_designer import CommandRowTemplate

from master_template.shared import formatting

STATES = {
    "running": ("Running", "mc-running"),
    "done": ("Done", "mc-done"),
    "failed": ("Failed", "mc-failed"),
    "killed": ("Killed", "mc-failed"),
}


class CommandRow(CommandRowTemplate):
    """One command that was run on the machine of the businesses."""

    def __init__(self, **properties):
        self.init_components(**properties)
        command = self.item
        nodes = self.dom_nodes
        nodes["words"].textContent = command["words"]
        nodes["error"].textContent = command["error"] or ""
        text, look = STATES[command["state"]]
        nodes["state"].textContent = text
        nodes["state"].className = "mb-chip " + look
        nodes["who"].textContent = command["ran_by"]
        nodes["when"].textContent = formatting.day_and_time(command["ran_at"])
