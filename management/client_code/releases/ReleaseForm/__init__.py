from ._anvil_designer import ReleaseFormTemplate

from anvil import handle
from anvil.js import window

from master_template.shared import api, formatting, navigation_helpers, session

from ...jobs import job_texts
from .. import release_texts


class ReleaseForm(ReleaseFormTemplate):
    """One release: notes, guide, what changes, who runs it; and telling tenants of it."""

    def __init__(self, version=None, **properties):
        self.version = version
        navigation_helpers.arrive("/app/releases/" + version, "Release " + version)
        self._answer = None
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "releases")

    @handle("", "show")
    def form_show(self, **event_args):
        if self._answer is None and navigation_helpers.require_staff():
            self.load()

    def load(self):
        """Read the release and show it."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_release", self.version)
        except api.ApiError as error:
            again = "" if error.code in ("not_found", "invalid") else "Try again"
            self.state.say("error", "This release did not load", error.message, again)
            return
        if navigation_helpers.is_open(self):
            self.state.kind = "none"
            self._show(answer)

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _show(self, answer):
        self._answer = answer
        release, nodes = answer["release"], self.dom_nodes
        nodes["body"].hidden = False
        nodes["title"].textContent = "Release " + release["version"]
        by = " by " + release["published_by"] if release["published_by"] else ""
        nodes["subtitle"].textContent = "Published {}{}".format(
            formatting.day_and_time(release["published_at"]), by
        )
        release_texts.show_kind(nodes["kind"], release["kind"])
        nodes["changed"].hidden = not release["changed_files"]
        nodes["changed_text"].textContent = (
            "{} of this release are not as they were published. Restore its folder from a copy, "
            "or publish a new version.".format(
                formatting.plural(release["changed_files"], "file", "files")
            )
        )
        # Made harmless by the server (legal_markup).
        nodes["notes"].innerHTML = release["notes_html"] or "There are no notes."
        nodes["guide_panel"].hidden = not release["guide_html"]
        nodes["guide"].innerHTML = release["guide_html"]
        nodes["changes_panel"].hidden = not release["changes"]
        self._fill(nodes["changes"], release["changes"])
        self._show_businesses(answer)
        self.btn_notify.visible = session.may("releases.manage") and bool(answer["older"])
        told = release["notified_at"]
        nodes["told"].textContent = "Tenants were told " + formatting.ago(told) if told else ""

    def _show_businesses(self, answer):
        nodes = self.dom_nodes
        for name, text in (
            ("running", "Nobody runs it yet."),
            ("older", "All have it, or a newer one."),
        ):
            lines = [each["title"] or each["name"] for each in answer[name]]
            if name == "older":
                lines = [
                    "{} ({})".format(each["title"] or each["name"], each["release"])
                    for each in answer[name]
                ]
            self._fill(nodes[name], lines or [text])

    def _fill(self, node, lines):
        items = []
        for line in lines:
            item = window.document.createElement("li")
            item.textContent = line
            items.append(item)
        node.replaceChildren(*items)

    @handle("btn_notify", "click")
    def btn_notify_click(self, **event_args):
        from ..NoticeDialog import choose_names

        names = choose_names(self._answer["release"], self._answer["older"])
        if not names:
            return
        nodes = self.dom_nodes
        nodes["problem"].hidden = True
        try:
            job = api.call("notify_of_release", self.version, names, job_texts.new_key())["job"]
        except api.ApiError as error:
            nodes["problem_text"].textContent = error.message
            nodes["problem"].hidden = False
            return
        navigation_helpers.go("/app/jobs/" + job["job_id"])

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/releases")
