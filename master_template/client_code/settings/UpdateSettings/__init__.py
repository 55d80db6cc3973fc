from ._anvil_designer import UpdateSettingsTemplate

from anvil import handle
from anvil.js import window

from ...shared import api, formatting, session, update_texts
from ...shared.components.ConfirmationDialog import ask, confirm

POLL_SECONDS = 5
OPEN = ("requested", "running")


class UpdateSettings(UpdateSettingsTemplate):
    """Which version the business has, which it could have, and an upgrade on its way."""

    def __init__(self, **properties):
        self.page = None
        self._began_with = None
        self.init_components(**properties)
        self.timer.interval = 0

    def load(self):
        """Read what there is, and show it."""
        self.state.kind = "loading"
        try:
            page = api.call_quietly("get_updates")
        except api.ApiError as error:
            self.state.say("error", "The updates did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self._show(page)
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _show(self, page):
        self.page = page
        installed = page["installed"]
        if self._began_with is None:
            self._began_with = installed["version"] if installed else ""
        nodes = self.dom_nodes
        newer = page["available"]
        if installed:
            nodes["has"].textContent = "You have version {}.".format(
                update_texts.name_of(installed["version"])
            )
            nodes["has_note"].textContent = (
                "A newer one is ready." if newer else "There is no newer one."
            )
        else:
            nodes["has"].textContent = "Nothing is known of newer versions yet."
            nodes["has_note"].textContent = "You will be told here as soon as there is one."
        self._show_request(page["request"])
        self._show_actions()
        self.rp_releases.items = newer
        self.rp_installed.items = [installed] if installed else []
        nodes["installed_head"].hidden = installed is None
        nodes["newer_head"].hidden = not newer

    def _show_request(self, request):
        nodes = self.dom_nodes
        is_open = request is not None and request["state"] in OPEN
        has_come = bool(
            self.page["installed"] and self.page["installed"]["version"] != self._began_with
        )
        failed = request is not None and request["state"] == "failed"
        nodes["progress"].hidden = not is_open
        nodes["failed"].hidden = not failed or has_come
        nodes["come"].hidden = not has_come
        self.timer.interval = POLL_SECONDS if is_open else 0
        if is_open:
            self._show_progress(request)
        if failed:
            nodes["failed_why"].textContent = request["message"]
            nodes["failed_more"].hidden = not request["message"]

    def _show_progress(self, request):
        nodes = self.dom_nodes
        version = update_texts.name_of(request["version"])
        is_running = request["state"] == "running"
        self.bar.visible = is_running
        self.btn_cancel.visible = not is_running and self.page["may_start"]
        if is_running:
            head = "Version {} is being installed".format(version)
            text = request["step"] or "It begins in a moment."
        else:
            head = "Version {} will be installed".format(version)
            text = self._when(request)
        # Told again only where it is something new, for those who hear the page.
        for name, words in (("progress_head", head), ("progress_text", text)):
            if nodes[name].textContent != words:
                nodes[name].textContent = words

    def _when(self, request):
        by = " {} asked for it.".format(request["requested_by"]) if request["requested_by"] else ""
        if formatting.milliseconds(request["due_at"]) <= window.Date.now():
            return "It begins in a minute or so." + by
        return "It begins on {}.{}".format(formatting.day_and_time(request["due_at"]), by)

    def _show_actions(self):
        newer, request = self.page["available"], self.page["request"]
        is_open = request is not None and request["state"] in OPEN
        may_start = bool(newer) and self.page["may_start"] and not is_open
        self.btn_start.visible = may_start
        self.dom_nodes["actions"].hidden = not may_start
        if newer:
            self.btn_start.text = "Install version {}".format(
                update_texts.name_of(newer[0]["version"])
            )

    @handle("btn_start", "click")
    def btn_start_click(self, **event_args):
        newest = self.page["available"][0]
        must_read = any(release["kind"] == "breaking" for release in self.page["available"])
        title = "Install version {}?".format(update_texts.name_of(newest["version"]))
        if must_read and not confirm(
            title,
            "Something works differently from this version on. Have you read the guide?",
            "I have read it",
            keep="Not yet",
        ):
            return
        night = formatting.day_and_time(self.page["night_at"])
        when = ask(
            title,
            "A backup is made first. Nobody is logged out; for less than a minute nothing can be "
            "saved. If anything goes wrong, everything is put back by itself.",
            [("Cancel", None), ("Tonight", "tonight"), ("Now", "now")],
            detail="Tonight means {}.".format(night),
        )
        if when:
            self._change("request_upgrade", newest["version"], when, has_read_guide=must_read)

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self._change("cancel_upgrade", self.page["request"]["request_id"])

    @handle("btn_reload", "click")
    def btn_reload_click(self, **event_args):
        window.location.reload()

    def _change(self, name, *args, **kwargs):
        nodes = self.dom_nodes
        nodes["problem"].hidden = True
        try:
            api.call(name, *args, **kwargs)
            session.refresh()
            self._show(api.call_quietly("get_updates"))
        except api.ApiError as error:
            nodes["problem_text"].textContent = error.message
            nodes["problem"].hidden = False

    @handle("timer", "tick")
    def timer_tick(self, **event_args):
        try:
            page = api.call_quietly("get_updates")
        except api.ApiError:
            # While the version changes the server waits, or is away for a moment.
            return
        was_open = self.page["request"]["state"] in OPEN
        self._show(page)
        if was_open and page["request"] and page["request"]["state"] not in OPEN:
            try:
                session.refresh()
            except api.ApiError:
                return
