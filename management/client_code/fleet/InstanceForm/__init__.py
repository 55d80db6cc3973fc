from ._anvil_designer import InstanceFormTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import api, formatting, navigation_helpers, session
from master_template.shared.components.ConfirmationDialog import ask, confirm

from ...jobs import job_texts
from .. import fleet_texts

JOBS = 5


class InstanceForm(InstanceFormTemplate):
    """One business: how it is and was, what is wrong, what can be done with it."""

    def __init__(self, name=None, **properties):
        self.name = name
        self.path = "/app/fleet/" + name
        navigation_helpers.arrive(self.path, name)
        self._instance = None
        self._releases = []
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "fleet")

    @handle("", "show")
    def form_show(self, **event_args):
        if self._instance is None and navigation_helpers.require_staff():
            self.load()

    def load(self):
        """Read all there is of the business and show it."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_instance", self.name)
        except api.ApiError as error:
            again = "" if error.code in ("not_found", "invalid") else "Try again"
            self.state.say("error", "This business did not load", error.message, again)
            return
        if not navigation_helpers.is_open(self):
            return
        self.state.kind = "none"
        self._show(answer)
        self.chart.load(self.name)
        self._load_alerts()
        self._load_jobs()
        self._load_releases()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _show(self, answer):
        instance = self._instance = answer["instance"]
        nodes = self.dom_nodes
        nodes["body"].hidden = False
        title = instance["title"] or instance["name"]
        nodes["title"].textContent = title
        navigation_helpers.set_title(title)
        nodes["subtitle"].textContent = "{} · as of {}".format(
            instance["name"], formatting.ago(answer["reported_at"])
        )
        gone = instance["removed_at"] is not None
        nodes["health"].textContent = "Removed" if gone else fleet_texts.health_name(instance)
        nodes["health"].className = "mb-chip mc-" + instance["health"]
        nodes["problem_box"].hidden = not instance["problem"] or gone
        nodes["problem"].textContent = instance["problem"]
        nodes["gone"].hidden = not gone
        self._show_figures(instance)
        self._show_facts(instance)
        self._show_actions(instance, gone)

    def _show_figures(self, instance):
        nodes = self.dom_nodes
        for name in ("contacts", "bookings", "users", "emails"):
            nodes[name].textContent = fleet_texts.count(instance[name])

    def _show_facts(self, instance):
        facts = [
            ("Release", instance["release"]),
            ("Last in use", formatting.ago(instance["last_seen_at"]) or "Never"),
            ("Last backup", fleet_texts.backup_text(instance)),
            ("Memory", fleet_texts.size(instance["memory_bytes"])),
            ("Database", fleet_texts.size(instance["database_bytes"])),
            ("Files", fleet_texts.size(instance["storage_bytes"])),
            ("Requests", self._requests(instance)),
            ("Made", formatting.day(instance["created_at"])),
        ]
        nodes = self.dom_nodes
        nodes["facts"].replaceChildren()
        for name, text in facts:
            for tag, content in (("dt", name), ("dd", text)):
                node = window.document.createElement(tag)
                node.textContent = content
                nodes["facts"].append(node)
        nodes["origin"].href = instance["origin"]
        nodes["origin"].textContent = instance["origin"].split("//")[-1]

    def _requests(self, instance):
        if instance["requests"] is None:
            return "–"
        return "{}, {} failed, since its server started".format(
            formatting.number(instance["requests"]), formatting.number(instance["requests_failed"])
        )

    def _show_actions(self, instance, gone):
        may = session.may("fleet.manage") and not gone
        is_stopped = instance["health"] == "stopped"
        self.dom_nodes["actions"].hidden = not may
        self.btn_start.visible = is_stopped
        self.btn_stop.visible = not is_stopped

    def _load_alerts(self):
        if not session.may("alerts.view"):
            return
        try:
            answer = api.call_quietly("list_alerts", instance=self.name)
        except api.ApiError:
            return  # The page of the alerts says what is wrong.
        self.rp_alerts.items = answer["alerts"]
        self.dom_nodes["alerts"].hidden = not answer["alerts"]

    def _load_jobs(self):
        try:
            jobs = api.call_quietly("list_jobs", instance=self.name, page_size=JOBS)["jobs"]
        except api.ApiError:
            return
        self.rp_jobs.items = jobs
        self.dom_nodes["no_jobs"].hidden = bool(jobs)

    def _load_releases(self):
        if not session.may("releases.view"):
            return
        try:
            self._releases = api.call_quietly("list_releases", page_size=100)["releases"]
        except api.ApiError:
            return
        newer = self._newer()
        self.btn_upgrade.visible = bool(newer)
        nodes = self.dom_nodes
        nodes["newer"].hidden = not newer
        if newer:
            nodes["newer_text"].textContent = "Release {} is out: {}".format(
                newer[0]["version"], newer[0]["summary"] or newer[0]["kind"]
            )

    def _newer(self):
        """The releases that are newer than that of the business, the newest first."""
        versions = [release["version"] for release in self._releases]
        if self._instance["release"] in versions:
            return self._releases[: versions.index(self._instance["release"])]
        return self._releases

    def _ask_for(self, action, **given):
        nodes = self.dom_nodes
        nodes["refusal"].hidden = True
        try:
            job_texts.ask_for(action, dict(given, name=self.name))
        except api.ApiError as error:
            nodes["refusal_text"].textContent = error.message
            nodes["refusal"].hidden = False

    @handle("btn_backup", "click")
    def btn_backup_click(self, **event_args):
        self._ask_for("instance.backup")

    @handle("btn_drill", "click")
    def btn_drill_click(self, **event_args):
        self._ask_for("instance.drill")

    @handle("btn_upgrade", "click")
    def btn_upgrade_click(self, **event_args):
        from ..VersionDialog import choose

        versions = [release["version"] for release in self._newer()]
        version = choose("Upgrade " + self.dom_nodes["title"].textContent, versions)
        if version:
            self._ask_for("instance.upgrade", to=version)

    @handle("btn_rollback", "click")
    def btn_rollback_click(self, **event_args):
        answer = ask(
            "Roll back to the former release?",
            "Keep what was entered since the upgrade, or restore everything as it was before it?",
            [
                ("Restore data", "restore", "danger"),
                ("Keep data", "keep"),
                ("Cancel", None),
            ],
            "What the former release has no place for cannot be kept; the job lists it.",
        )
        if answer in ("keep", "restore"):
            self._ask_for("instance.rollback", data=answer)

    @handle("btn_stop", "click")
    def btn_stop_click(self, **event_args):
        from ..ReasonDialog import ask_reason

        text = (
            "Its people and visitors see a page that says it is closed for now, until it is "
            "started again."
        )
        reason = ask_reason("Stop this business?", text, "Stop")
        if reason is not None:
            self._ask_for("instance.stop", reason=reason)

    @handle("btn_start", "click")
    def btn_start_click(self, **event_args):
        self._ask_for("instance.start")

    @handle("btn_link", "click")
    def btn_link_click(self, **event_args):
        text = "A link by which the owner chooses a password. An older link stops working."
        if confirm("Make a new link for the owner?", text, "Make the link"):
            self._ask_for("instance.owner_link")

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/fleet")
