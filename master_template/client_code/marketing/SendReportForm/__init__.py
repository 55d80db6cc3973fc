from ._anvil_designer import SendReportFormTemplate

from anvil import Notification, handle, media
from anvil.js import window

from ...shared import api, formatting, navigation_helpers, session
from ...shared.listing import Listing
from .. import send_texts
from ..SendLimitDialog import change_limit

WORDS = {
    "what": "This report",
    "one": "recipient",
    "many": "recipients",
    "none": "Nobody yet",
    "none_text": "Whoever is to get this mail shows here as soon as it is planned.",
    "no_match": "Nobody",
    "no_match_text": "There is no recipient of this kind.",
}
HOMES = {
    "campaign": ("/app/campaigns/", "‹ Campaign"),
    "broadcast": ("/app/broadcasts/", "‹ Broadcast"),
}


class SendReportForm(SendReportFormTemplate):
    """Who got a mail, who did not, and why: `source` is `broadcast:...` or `campaign:...`."""

    def __init__(self, source, **properties):
        self.source = source
        kind, _, name = source.partition(":")
        home, back = HOMES.get(kind, ("/app/", "‹ Back"))
        self.home = home + name
        path = "/app/sends/" + source
        navigation_helpers.arrive(path, "Recipients")
        self._started = False
        self._status = None
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, kind + "s")
        nodes = self.dom_nodes
        nodes["back"].href = self.home
        nodes["back"].textContent = back
        nodes["suppressed"].href = "/app/suppressions"
        self.dd_outcome.items = send_texts.OUTCOME_ITEMS
        self.dd_reason.items = [("Any reason", None)]
        self.btn_limit.visible = self.btn_resume.visible = session.may("marketing.manage")
        self.rp_items.set_event_handler("x-decided", self._refresh_report)
        controls = {
            "search": self.txt_search,
            "outcome": self.dd_outcome,
            "reason": self.dd_reason,
        }
        self.listing = Listing(
            self,
            path,
            "list_sends",
            "sends",
            controls,
            WORDS,
            fixed={"source": source},
            on_show=self._show_chosen,
            first=self._load_report,
        )

    def back_click(self, event):
        navigation_helpers.follow(event, self.home)

    def suppressed_click(self, event):
        navigation_helpers.follow(event, "/app/suppressions")

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    def _refresh_report(self, **event_args):
        """Show the sums as they are after a change."""
        try:
            self._load_report()
        except api.ApiError as error:
            Notification(error.message, style="danger").show()

    def _load_report(self):
        """Read the sums and show them."""
        report = api.call_quietly("get_send_report", self.source)
        self._status = api.call_quietly("get_sending_status")
        nodes = self.dom_nodes
        nodes["title"].textContent = report["title"] or "Recipients"
        self._show_sums(report["counts"])
        self._show_reasons(report["reasons"])
        self._show_speed(report["counts"]["waiting"])
        nodes["report"].hidden = False

    def _show_sums(self, counts):
        box = self.dom_nodes["sums"]
        box.replaceChildren()
        for name, label in send_texts.SUMS:
            node = window.document.createElement("button")
            node.type = "button"
            node.className = "mb-sum"
            outcome = None if name == "planned" else name
            node.setAttribute("data-outcome", outcome or "")
            _add(node, "strong", formatting.number(counts[name]))
            _add(node, "span", label)
            node.addEventListener("click", self._choose_outcome(outcome))
            box.appendChild(node)
        self._show_chosen()

    def _show_reasons(self, reasons):
        self.dd_reason.items = [("Any reason", None)] + [
            ("{} ({})".format(each["text"], formatting.number(each["count"])), each["reason"])
            for each in reasons
        ]
        self.dd_reason.selected_value = self.listing.query["reason"]
        self.dd_reason.visible = bool(reasons)

    def _show_speed(self, waiting):
        nodes, status = self.dom_nodes, self._status
        limit = status["hourly_limit"]
        parts = ["{} mails an hour, {} in the last".format(limit, status["used"])]
        if waiting:
            parts.append("what waits takes " + send_texts.hours_left(status["waiting"], limit))
        nodes["speed"].textContent = "; ".join(parts) + "."
        nodes["pause"].hidden = not status["pause_reason"]
        words = "Nothing goes out for now: {} It is tried again {}."
        until = formatting.day_and_time(status["paused_until"])
        nodes["pause_text"].textContent = words.format(status["pause_reason"], until)

    def _choose_outcome(self, outcome):
        def choose(event):
            self.listing.set_query({"outcome": outcome})

        return choose

    def _show_chosen(self, *args):
        chosen = self.listing.query["outcome"] or ""
        for node in self.dom_nodes["sums"].children:
            is_chosen = node.getAttribute("data-outcome") == chosen
            node.setAttribute("aria-pressed", "true" if is_chosen else "false")

    @handle("btn_limit", "click")
    def btn_limit_click(self, **event_args):
        if change_limit(self._status):
            self._refresh_report()

    @handle("btn_resume", "click")
    def btn_resume_click(self, **event_args):
        try:
            api.call("resume_sending")
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self._refresh_report()
        Notification("Sending goes on.", timeout=3).show()

    @handle("btn_export", "click")
    def btn_export_click(self, **event_args):
        self.btn_export.enabled = False
        try:
            answer = api.call("export_sends", **self.listing.arguments())
        except api.ApiError as error:
            Notification(error.message, title="Not downloaded", style="danger").show()
            return
        finally:
            self.btn_export.enabled = True
        media.download(answer["file"])


def _add(parent, tag, text):
    node = window.document.createElement(tag)
    node.textContent = text
    parent.appendChild(node)
