from ._anvil_designer import CommandsFormTemplate

from anvil import handle

from master_template.shared import navigation_helpers, session

from master_template.shared.listing import Listing

PATH = "/app/audit"
STATE_ITEMS = [
    ("Any state", None),
    ("Done", "done"),
    ("Failed", "failed"),
    ("Killed", "killed"),
    ("Running", "running"),
]
WORDS = {
    "one": "command",
    "many": "commands",
    "none": "No commands yet",
    "none_text": "What is run on the machine of the businesses appears here: by whom, when, and "
    "how it ended.",
}


class CommandsForm(CommandsFormTemplate):
    """The audit: who ran which command on the machine, and the way to who did what in here."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Audit")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "audit")
        self.dd_state.items = STATE_ITEMS
        self.dom_nodes["own"].hidden = not session.may("settings.view")
        controls = {"search": self.txt_search, "state": self.dd_state}
        self.listing = Listing(self, PATH, "list_commands", "commands", controls, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    def own_click(self, event):
        navigation_helpers.follow(event, "/app/settings/audit")
