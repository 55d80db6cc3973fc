from ._anvil_designer import JobsFormTemplate

from anvil import handle

from master_template.shared import navigation_helpers
from master_template.shared.listing import Listing

from .. import job_texts

PATH = "/app/jobs"
STATE_ITEMS = [("Any state", None)] + [
    (job_texts.STATE_NAMES[word], word) for word in ("waiting", "running", "done", "failed")
]
WORDS = {
    "one": "job",
    "many": "jobs",
    "none": "No jobs yet",
    "none_text": "What you have done with a business from here, such as a backup or an upgrade, "
    "appears in this list.",
}


class JobsForm(JobsFormTemplate):
    """What the operator agent was asked to do."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Jobs")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "jobs")
        self.dd_state.items = STATE_ITEMS
        self.listing = Listing(self, PATH, "list_jobs", "jobs", {"state": self.dd_state}, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()
