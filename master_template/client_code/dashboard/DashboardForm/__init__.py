from ._anvil_designer import DashboardFormTemplate

from anvil import handle
from anvil.js import window

from ...shared import api, formatting, navigation_helpers, session


class DashboardForm(DashboardFormTemplate):
    """The first page of everyone who works here: how many contacts, and what happened lately."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/dashboard", "Dashboard")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "dashboard")
        user = session.user()
        first_name = user["name"].split(" ")[0] if user and user["name"] else ""
        business = session.business()
        nodes = self.dom_nodes
        nodes["greeting"].textContent = "Hello " + first_name if first_name else "Dashboard"
        options = {
            "weekday": "long",
            "day": "numeric",
            "month": "long",
            "timeZone": business["time_zone"],
        }
        today = window.Intl.DateTimeFormat(business["locale"], options).format(window.Date.now())
        nodes["today"].textContent = today
        self.btn_new.visible = session.may("customers.manage")

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.load()

    def load(self):
        """Read the figures and show them."""
        self.state.kind = "loading"
        try:
            answer = api.call_quietly("get_dashboard")
        except api.ApiError as error:
            self.state.say("error", "The dashboard did not load", error.message, "Try again")
            return
        counts = answer["contacts"]
        if counts is None:
            self.state.say("empty", "Welcome", "What you work with is in the menu.")
            return
        self.state.kind = "none"
        for name in ("total", "customers", "leads", "new", "at_risk"):
            self.dom_nodes[name].textContent = formatting.number(counts[name])
        self.activity.events = answer["activity"]
        self.dom_nodes["quiet"].hidden = bool(answer["activity"])
        self.dom_nodes["body"].hidden = False

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        navigation_helpers.go("/app/contacts/new")

    def total_click(self, event):
        navigation_helpers.follow(event, "/app/contacts")

    def customers_click(self, event):
        navigation_helpers.follow(event, "/app/contacts?status=customer")

    def leads_click(self, event):
        navigation_helpers.follow(event, "/app/contacts?status=lead")

    def new_click(self, event):
        navigation_helpers.follow(event, "/app/contacts?sort=newest")

    def at_risk_click(self, event):
        navigation_helpers.follow(event, "/app/contacts?lifecycle_stage=at_risk")
