from ._anvil_designer import JobRowTemplate

from master_template.shared import formatting, navigation_helpers

from .. import job_texts


class JobRow(JobRowTemplate):
    """One job in a list. It is one link."""

    def __init__(self, **properties):
        self.init_components(**properties)
        job = self.item
        self.path = "/app/jobs/" + job["job_id"]
        nodes = self.dom_nodes
        nodes["row"].href = self.path
        nodes["title"].textContent = job["title"]
        nodes["instance"].textContent = job["instance"] or ""
        job_texts.show_state(nodes["state"], job["state"])
        nodes["error"].textContent = job["error"] or ""
        nodes["who"].textContent = job["requested_by"]
        nodes["when"].textContent = formatting.ago(job["created_at"])

    def row_click(self, event):
        navigation_helpers.follow(event, self.path)
