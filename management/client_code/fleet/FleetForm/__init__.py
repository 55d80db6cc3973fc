from ._anvil_designer import FleetFormTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import api, formatting, navigation_helpers, session
from master_template.shared.listing import Listing

from .. import fleet_texts

PATH = "/app/fleet"
# As often as the agent reports.
REFRESH_MS = 60000
HEALTH_ITEMS = [("Any health", None)] + [
    (fleet_texts.HEALTH_NAMES[word], word) for word in ("down", "ill", "unknown", "stopped", "well")
]
SORT_ITEMS = [
    ("Name", None),
    ("Worst first", "health"),
    ("Newest release", "release"),
    ("Most memory", "memory"),
    ("Most requests", "requests"),
    ("Most contacts", "contacts"),
    ("Last in use", "last_seen"),
    ("Oldest backup", "backup"),
]
WORDS = {
    "one": "business",
    "many": "businesses",
    "none": "No businesses yet",
    "none_text": "They appear here as soon as the operator agent has told of them.",
}


class FleetForm(FleetFormTemplate):
    """All businesses: how they are, what they run, when they were backed up."""

    def __init__(self, **properties):
        if navigation_helpers.current_path() in ("/app", "/app/dashboard"):
            navigation_helpers.replace_address(PATH)
        navigation_helpers.arrive(PATH, "Businesses")
        self._started = False
        self._timer = None
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "fleet")
        self.btn_new.visible = session.may("fleet.manage")
        self.dd_health.items = HEALTH_ITEMS
        self.dd_release.items = [("Any release", None)]
        self.dd_sort.items = SORT_ITEMS
        controls = {
            "search": self.txt_search,
            "health": self.dd_health,
            "release": self.dd_release,
            "sort": self.dd_sort,
            "old_backup": self.cb_old_backup,
        }
        self.listing = Listing(self, PATH, "list_instances", "instances", controls, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self._load_sums()
        self.listing.start()
        self._timer = window.setInterval(self._look_again, REFRESH_MS)

    @handle("", "hide")
    def form_hide(self, **event_args):
        window.clearInterval(self._timer)

    def _look_again(self, *args):
        """Show what has been reported since, unless somebody is in the middle of the list."""
        document = window.document
        rows = self.dom_nodes["rows"]
        if document.hidden or rows.contains(document.activeElement):
            return
        self._load_sums()
        self.listing.load()

    def _load_sums(self):
        try:
            fleet = api.call_quietly("get_fleet")
        except api.ApiError:
            return  # The list itself says what is wrong.
        self.dd_release.items = [("Any release", None)] + [
            (each["version"], each["version"]) for each in fleet["releases"]
        ]
        self.dd_release.selected_value = self.listing.query["release"]
        self._show_sums(fleet)

    def _show_sums(self, fleet):
        nodes = self.dom_nodes
        nodes["cards"].hidden = not fleet["count"]
        self.card_count.show(formatting.number(fleet["count"]), self._releases_text(fleet))
        ailing = fleet["ailing"]
        if ailing:
            self.card_health.show(formatting.number(ailing), "ill, down or unknown", "attention")
        else:
            self.card_health.show("0", "All are well", "good", "check_circle")
        old = fleet["old_backups"]
        if old:
            self.card_backups.show(formatting.number(old), "older than a day", "attention")
        else:
            self.card_backups.show("0", "All were backed up today", "good", "check_circle")
        contacts = formatting.plural(fleet["contacts"], "contact", "contacts")
        self.card_memory.show(formatting.file_size(fleet["memory_bytes"]), contacts)
        quiet = nodes["quiet"]
        quiet.hidden = not fleet["is_agent_quiet"] and not fleet["agent_problem"]
        nodes["quiet_text"].textContent = self._quiet_text(fleet)
        nodes["as_of"].textContent = (
            "As of " + formatting.ago(fleet["reported_at"]) if fleet["reported_at"] else ""
        )

    def _releases_text(self, fleet):
        releases = fleet["releases"]
        if len(releases) == 1:
            return "all on " + releases[0]["version"]
        return "on " + formatting.plural(len(releases), "release", "releases")

    def _quiet_text(self, fleet):
        if fleet["agent_problem"]:
            return "The operator agent could not look at the businesses: " + fleet["agent_problem"]
        since = fleet["reported_at"]
        if since is None:
            return (
                "No operator agent has reported yet. On the machine of the businesses, run "
                "scripts/uplink/operator_agent.py."
            )
        return (
            "The operator agent is silent; it was last heard {}. What you see may have "
            "changed.".format(formatting.ago(since))
        )

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go("/app/provision")
