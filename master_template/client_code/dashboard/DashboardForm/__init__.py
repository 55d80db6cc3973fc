from ._anvil_designer import DashboardFormTemplate

from anvil import handle

from ...shared import api, formatting, navigation_helpers, session

EVENTS = 10  # that come with the figures; a full list may have more behind it


class DashboardForm(DashboardFormTemplate):
    """The first page of everyone who works here: the numbers of the day, and what happened."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/dashboard", "Dashboard")
        self._started = False
        self._refreshing = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "dashboard")
        user = session.user()
        first_name = user["name"].split(" ")[0] if user and user["name"] else ""
        self.dom_nodes["greeting"].textContent = (
            "Hello " + first_name if first_name else "Dashboard"
        )
        self.dom_nodes["today"].textContent = formatting.weekday_now()
        self.btn_new.visible = session.may("customers.manage")

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.load()

    def load(self):
        """Read everything and show it, for the first time."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_dashboard")
        except api.ApiError as error:
            self.state.say("error", "The dashboard did not load", error.message, "Try again")
            return
        self.state.kind = "none"
        self._show(answer)

    def _show(self, answer):
        metrics, activity = answer["metrics"], answer["activity"]
        if not metrics and activity is None:
            self.state.say("empty", "Welcome", "What you work with is in the menu.")
            return
        self.metrics.metrics = metrics
        self.chart.metrics = metrics
        storage = metrics.get("storage")
        self.storage.figures = storage["figures"] if storage else None
        self.feed.visible = activity is not None
        if activity is not None:
            self.feed.show(activity, answer["recent_days"], EVENTS)
        self._show_age([metric for metric in metrics.values() if metric["figures"] is not None])
        self.btn_refresh.visible = bool(metrics)
        self.dom_nodes["body"].hidden = False

    def _show_age(self, metrics):
        """How old the oldest figure is, and whether there should be newer ones."""
        nodes = self.dom_nodes
        stale = [metric["as_of"] for metric in metrics if metric["is_stale"]]
        nodes["stale"].hidden = not stale
        if stale:
            nodes["stale_text"].textContent = (
                "Some figures could not be worked out anew. The oldest are from "
                + formatting.time_of_day(min(stale))
                + "."
            )
        oldest = [metric["as_of"] for metric in metrics]
        text = "As of " + formatting.time_of_day(min(oldest)) if oldest else ""
        nodes["as_of"].textContent = text

    @handle("btn_refresh", "click")
    def btn_refresh_click(self, **event_args):
        if self._refreshing:
            return
        # The button stays as it is, or whoever pressed it by keyboard would lose their place.
        self._refreshing = True
        self.dom_nodes["as_of"].textContent = "Working it out …"
        try:
            answer = api.call_quietly("get_dashboard", refresh=True)
        except api.ApiError as error:
            self.dom_nodes["as_of"].textContent = error.message
            return
        finally:
            self._refreshing = False
        self._show(answer)

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go("/app/contacts/new")
