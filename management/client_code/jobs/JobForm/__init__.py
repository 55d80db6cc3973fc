from ._anvil_designer import JobFormTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import api, formatting, navigation_helpers, session

from .. import job_texts

LOOK_MS = 2000


class JobForm(JobFormTemplate):
    """One job: what was asked, how far it is, how it ended. It follows the job while it runs."""

    def __init__(self, job_id=None, **properties):
        self.job_id = job_id
        self.path = "/app/jobs/" + job_id
        navigation_helpers.arrive(self.path, "Job")
        self._timer = None
        self._job = None
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "jobs")

    @handle("", "show")
    def form_show(self, **event_args):
        if self._job is None and navigation_helpers.require_staff():
            self.state.kind = "loading"
            self.load()

    @handle("", "hide")
    def form_hide(self, **event_args):
        self._stop_looking()

    def _stop_looking(self):
        if self._timer is not None:
            window.clearTimeout(self._timer)
            self._timer = None

    def load(self, *args):
        """Read the job and show it; again in a while, as long as it is not over."""
        self._stop_looking()
        try:
            job = api.call_quietly("get_job", self.job_id)["job"]
        except api.ApiError as error:
            if self._job is None:
                self.state.say("error", "This job did not load", error.message, "Try again")
            else:
                self._look_again()  # The connection may come back.
            return
        if not navigation_helpers.is_open(self):
            return
        self.state.kind = "none"
        self._show(job)
        if job["state"] not in job_texts.OVER:
            self._look_again()

    def _look_again(self):
        self._timer = window.setTimeout(self.load, LOOK_MS)

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _show(self, job):
        nodes = self.dom_nodes
        before = self._job and self._job["state"]
        self._job = job
        nodes["body"].hidden = False
        nodes["title"].textContent = job["title"]
        navigation_helpers.set_title(job["title"])
        nodes["subtitle"].textContent = "Asked for by {}, {}".format(
            job["requested_by"], formatting.day_and_time(job["created_at"])
        )
        job_texts.show_state(nodes["job_state"], job["state"])
        nodes["said"].textContent = self._sentence(job)
        nodes["busy"].hidden = job["state"] in job_texts.OVER
        nodes["error_box"].hidden = not job["error"]
        nodes["error"].textContent = job["error"] or ""
        log = nodes["log"]
        nodes["log_panel"].hidden = not job["log_tail"]
        if log.textContent != job["log_tail"]:
            log.textContent = job["log_tail"] or ""
            log.scrollTop = log.scrollHeight
        if before != job["state"]:
            self._show_facts(job)
        may_manage = session.may("fleet.manage")
        self.btn_cancel.visible = job["state"] == "waiting" and may_manage
        nodes["secret_offer"].hidden = not (job["has_secret"] and may_manage)
        link = nodes["instance_link"]
        link.hidden = (
            not job["instance"] or job["action"] == "instance.create" and (job["state"] != "done")
        )
        link.href = "/app/fleet/" + (job["instance"] or "")

    def _sentence(self, job):
        state = job["state"]
        if state == "waiting":
            return "It begins as soon as the operator agent is free."
        if state == "running":
            again = " (attempt {})".format(job["attempts"]) if job["attempts"] > 1 else ""
            return "It has been running since {}{}.".format(
                formatting.time_of_day(job["started_at"]), again
            )
        if state == "cancelled":
            return "It was taken back before it began."
        return "It ended {}.".format(formatting.ago(job["ended_at"]))

    def _show_facts(self, job):
        facts = self.dom_nodes["facts"]
        facts.replaceChildren()
        for name, value in job["arguments"].items():
            if isinstance(value, list):
                value = ", ".join(value) or "all"
            self._add_fact(job_texts.ARGUMENT_NAMES.get(name, name), str(value))
        for name, value in (job["result"] or {}).items():
            is_new = value not in ("", None) and name not in job["arguments"]
            if is_new and isinstance(value, (str, int, float)) and not isinstance(value, bool):
                self._add_fact(name.replace("_", " ").capitalize(), str(value))

    def _add_fact(self, name, text):
        for tag, content in (("dt", name), ("dd", text)):
            node = window.document.createElement(tag)
            node.textContent = content
            self.dom_nodes["facts"].append(node)

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        try:
            self._show(api.call("cancel_job", self.job_id)["job"])
        except api.ApiError:
            self.load()  # It has begun meanwhile; the page says so.

    @handle("btn_reveal", "click")
    def btn_reveal_click(self, **event_args):
        nodes = self.dom_nodes
        try:
            secret = api.call("reveal_job_secret", self.job_id)["secret"]
        except api.ApiError as error:
            nodes["secret_note"].textContent = error.message
            return
        link = secret.get("owner_link") or {}
        nodes["secret_offer"].hidden = True
        nodes["secret"].hidden = False
        nodes["secret_email"].textContent = link.get("email") or ""
        nodes["secret_url"].value = link.get("url") or ""
        nodes["secret_url"].focus()
        nodes["secret_url"].select()

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        window.navigator.clipboard.writeText(self.dom_nodes["secret_url"].value)
        self.dom_nodes["copied"].textContent = "Copied."

    def instance_click(self, event):
        navigation_helpers.follow(event, "/app/fleet/" + self._job["instance"])

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/jobs")
