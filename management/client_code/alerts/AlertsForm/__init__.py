from ._anvil_designer import AlertsFormTemplate

from anvil import handle

from master_template.shared import navigation_helpers

from master_template.shared.listing import Listing

PATH = "/app/alerts"
STATE_ITEMS = [("Open", None), ("Somebody sees to it", "acknowledged"), ("Ended", "ended")]
SEVERITY_ITEMS = [("Any severity", None), ("Critical", "critical"), ("Warning", "warning")]
WORDS = {
    "one": "alert",
    "many": "alerts",
    "none": "All is quiet",
    "none_text": "Nothing is wrong, as far as the monitor can see.",
}


class AlertsForm(AlertsFormTemplate):
    """What is wrong, who sees to it, and what was."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Alerts")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "alerts")
        self.dd_state.items = STATE_ITEMS
        self.dd_severity.items = SEVERITY_ITEMS
        controls = {"state": self.dd_state, "severity": self.dd_severity}
        self.listing = Listing(self, PATH, "list_alerts", "alerts", controls, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()
