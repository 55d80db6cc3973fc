from ._anvil_designer import MarketingDashboardFormTemplate

from anvil import handle

from ...shared import api, formatting, navigation_helpers, session
from .. import campaign_texts

PATH = "/app/marketing"
DAY_ITEMS = [
    ("Last 7 days", "7"),
    ("Last 30 days", "30"),
    ("Last 90 days", "90"),
    ("Last 365 days", "365"),
]


class MarketingDashboardForm(MarketingDashboardFormTemplate):
    """How the mails did lately, what runs now, and the way to everything about them."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Marketing")
        self._started = False
        self._asked = 0
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "marketing")
        self.btn_broadcast.visible = session.may("marketing.manage")
        self.dd_days.items = DAY_ITEMS
        days = navigation_helpers.query().get("days")
        self.dd_days.selected_value = days if days in [item[1] for item in DAY_ITEMS] else "30"

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.state.kind = "loading"
        self.load()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.state.kind = "loading"
        self.load()

    @handle("dd_days", "change")
    def dd_days_change(self, **event_args):
        days = self.dd_days.selected_value
        address = navigation_helpers.with_query(PATH, {"days": None if days == "30" else days})
        navigation_helpers.replace_address(address)
        self.load()

    def load(self):
        """Ask for the figures of the chosen time; an overtaken answer is dropped."""
        self._asked += 1
        asked = self._asked
        try:
            answer = api.call_quietly("get_marketing_dashboard", int(self.dd_days.selected_value))
        except api.ApiError as error:
            if asked == self._asked:
                self.dom_nodes["body"].hidden = True
                self.state.say("error", "This did not load", error.message, "Try again")
            return
        if asked == self._asked and navigation_helpers.is_open(self):
            self._show(answer)

    def _show(self, answer):
        totals, before, nodes = answer["totals"], answer["before"], self.dom_nodes
        self.state.kind = "none"
        nodes["body"].hidden = False
        earlier = formatting.number(before["sent"])
        self.card_sent.show(formatting.number(totals["sent"]), "{} before".format(earlier))
        for card, rate, count in (
            (self.card_opens, "open_rate", "opens"),
            (self.card_clicks, "click_rate", "clicks"),
        ):
            people = formatting.plural(totals[count], "person", "people")
            note = people
            if before[rate] is not None:
                note = "{}, {} before".format(people, campaign_texts.rate(before[rate]))
            card.show(campaign_texts.rate(totals[rate]), note)
        self.card_revenue.show(
            formatting.money_in_short(totals["revenue_cents"], answer["currency"]),
            formatting.plural(totals["conversions"], "purchase", "purchases"),
        )
        self.card_reach.show(formatting.number(answer["opted_in"]), "have agreed to marketing")
        self.card_waiting.show(formatting.number(answer["waiting"]), "as the hourly limit allows")
        self.chart.show(answer["buckets"], answer["unit"])
        for name in ("campaigns", "broadcasts"):
            getattr(self, "rp_" + name).items = answer[name]
            nodes["no_" + name].hidden = bool(answer[name])
            nodes[name[:-1] + "_rows"].hidden = not answer[name]

    def campaign_click(self, event):
        navigation_helpers.follow(event, "/app/campaigns/new")

    @handle("btn_report", "click")
    def btn_report_click(self, **event_args):
        navigation_helpers.go(PATH + "/reports")

    @handle("btn_broadcast", "click")
    def btn_broadcast_click(self, **event_args):
        navigation_helpers.go("/app/broadcasts/new")

    def suppressions_click(self, event):
        navigation_helpers.follow(event, "/app/suppressions")
