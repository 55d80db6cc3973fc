from ._anvil_designer import ScheduledJobCardTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, formatting, session

STATES = {
    "waiting": ("Waiting", "new"),
    "running": ("Going on", "new"),
    "done": ("Done", "active"),
    "failed": ("Failed", "lost"),
}
HISTORY = 20


def figures_text(figures):
    """`12 moved, 3 lost` of the figures of a run."""
    shown = [
        formatting.number(figures[name]) + " " + name.replace("_", " ")
        for name in sorted(figures)
        if figures[name]
    ]
    return ", ".join(shown) if shown else "Nothing was to be done"


class ScheduledJobCard(ScheduledJobCardTemplate):
    """Work that recurs. `item` is a job of `list_scheduled_jobs`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        job = self.item
        nodes = self.dom_nodes
        nodes["title"].textContent = job["title"]
        nodes["about"].textContent = job["about"]
        nodes["rhythm"].textContent = job["rhythm"]
        nodes["next"].textContent = formatting.day_and_time(job["next_at"])
        self.btn_run.visible = session.may("settings.manage")
        self.btn_run.tooltip = "Run now: " + job["title"]
        self._show_run(job["last_run"])

    def _show_run(self, run):
        nodes = self.dom_nodes
        nodes["state"].hidden = run is None
        nodes["more"].hidden = run is None
        self._show_fact("figures", figures_text(run["figures"]) if run else "")
        self._show_fact("error", self._error_text(run) if run else "")
        if run is None:
            nodes["last"].textContent = "Not yet"
            return
        text, style = STATES[run["state"]]
        if run["state"] == "waiting" and run["error"]:
            text, style = "Tried again soon", "at_risk"
        nodes["state"].textContent = text
        nodes["state"].className = "mb-chip " + style
        nodes["last"].textContent = self._when(run)
        if run["state"] != "done" and not run["figures"]:
            self._show_fact("figures", "")

    def _when(self, run):
        if run["state"] == "waiting" and not run["started_at"]:
            return "begins within 15 minutes"
        when = formatting.day_and_time(run["started_at"])
        return when + (", asked for by hand" if run["is_asked"] else "")

    def _error_text(self, run):
        if not run["error"]:
            return ""
        again = run["next_try_at"]
        when = " Tried again at {}.".format(formatting.time_of_day(again)) if again else ""
        return run["error"] + when

    def _show_fact(self, name, text):
        nodes = self.dom_nodes
        nodes[name].textContent = text
        nodes[name].hidden = nodes[name + "_label"].hidden = not text

    @handle("btn_run", "click")
    def btn_run_click(self, **event_args):
        self.btn_run.enabled = False
        try:
            run = api.call("run_scheduled_job", self.item["name"])["run"]
        except api.ApiError as error:
            Notification(error.message, title="Not started", style="danger").show()
            return
        finally:
            self.btn_run.enabled = True
        Notification("It begins now. Open this page again to see what came of it.").show()
        self._show_run(run)

    def more_toggle(self, event):
        """Read the earlier runs when somebody wants to see them."""
        if not self.dom_nodes["more"].open:
            return
        name = self.item["name"]
        try:
            runs = api.call_quietly("list_scheduled_runs", name, page_size=HISTORY)["runs"]
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.dom_nodes["runs"].replaceChildren()
        for run in runs:
            result = run["error"] or figures_text(run["figures"])
            row = window.document.createElement("tr")
            for text in (self._when(run), STATES[run["state"]][0], result):
                cell = window.document.createElement("td")
                cell.textContent = text
                row.append(cell)
            self.dom_nodes["runs"].append(row)
