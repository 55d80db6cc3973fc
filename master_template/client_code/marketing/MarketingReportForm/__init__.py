from ._anvil_designer import MarketingReportFormTemplate

import datetime

from anvil import Notification, handle, media

from ...shared import api, form_fields, formatting, navigation_helpers

HOME = "/app/marketing"
PATH = HOME + "/reports"
COMPONENTS = {"since": "dp_since", "until": "dp_until"}


def _day(text):
    """The date of `2026-03-14`, or None for anything else."""
    try:
        year, month, day = [int(part) for part in text.split("-")]
        return datetime.date(year, month, day)
    except (AttributeError, ValueError):
        return None


class MarketingReportForm(MarketingReportFormTemplate):
    """What became of the mails of any time, by day and by campaign and broadcast."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Report on mails")
        self._started = False
        self._asked = 0
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "marketing")
        form_fields.remember_hints(self, COMPONENTS)
        found = navigation_helpers.query()
        self.dp_since.date = _day(found.get("since"))
        self.dp_until.date = _day(found.get("until"))

    def back_click(self, event):
        navigation_helpers.follow(event, HOME)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.state.kind = "loading"
        self.load()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    @handle("dp_since", "change")
    @handle("dp_until", "change")
    def day_change(self, **event_args):
        self.load()

    def _span(self):
        days = dict((name, getattr(self, COMPONENTS[name]).date) for name in COMPONENTS)
        return dict((name, days[name].isoformat()) for name in days if days[name])

    def load(self):
        """Ask for the report of the chosen days; an overtaken answer is dropped."""
        self._asked += 1
        asked, span = self._asked, self._span()
        if self.state.kind != "none":
            self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_marketing_report", **span)
        except api.ApiError as error:
            if asked == self._asked:
                self._fail(error)
            return
        if asked == self._asked and navigation_helpers.is_open(self):
            navigation_helpers.replace_address(navigation_helpers.with_query(PATH, span))
            self._show(answer)

    def _fail(self, error):
        self.dom_nodes["body"].hidden = True
        if form_fields.show_errors(self, COMPONENTS, error.fields) or not error.fields:
            self.state.say("error", "The report did not load", error.message, "Try again")
        else:
            self.state.say("empty", "Nothing to show", "Please look at the days above.")

    def _show(self, answer):
        form_fields.show_errors(self, COMPONENTS, {})
        self.state.kind = "none"
        nodes, totals = self.dom_nodes, answer["totals"]
        nodes["body"].hidden = False
        for name in COMPONENTS:
            if getattr(self, COMPONENTS[name]).date is None:
                getattr(self, COMPONENTS[name]).date = answer[name]
        nodes["subtitle"].textContent = "{} – {}: {}, {}".format(
            formatting.short_day(answer["since"]),
            formatting.short_day(answer["until"]),
            formatting.plural(totals["sent"], "mail", "mails"),
            formatting.money_in_short(totals["revenue_cents"], answer["currency"]),
        )
        self.chart.show(answer["buckets"], answer["unit"])
        self.rp_sources.items = answer["sources"]
        nodes["nothing"].hidden = bool(answer["sources"])
        nodes["rows"].hidden = not answer["sources"]
        self.btn_export.enabled = bool(answer["sources"])

    @handle("btn_export", "click")
    def btn_export_click(self, **event_args):
        try:
            answer = api.call("export_marketing_report", **self._span())
        except api.ApiError as error:
            Notification(error.message, title="Not downloaded", style="danger").show()
            return
        media.download(answer["file"])
