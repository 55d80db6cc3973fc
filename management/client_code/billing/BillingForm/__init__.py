from ._anvil_designer import BillingFormTemplate

from anvil import Notification, alert, handle

from master_template.shared import api, formatting, navigation_helpers, session
from master_template.shared.listing import Listing

from .. import billing_texts
from ..TenantDialog import TenantDialog

PATH = "/app/billing"
STATE_ITEMS = [("Any state", None)] + [
    (billing_texts.STATE_NAMES[word], word)
    for word in (
        "active",
        "trialing",
        "past_due",
        "suspended",
        "ending",
        "ended",
        "none",
        "exempt",
    )
]
SORT_ITEMS = [("Name", None), ("Highest price", "price"), ("Paid until", "period_end")]
WORDS = {
    "one": "tenant",
    "many": "tenants",
    "none": "Nobody is billed yet",
    "none_text": "Make a plan, then choose “Bill a tenant” and send them the link to subscribe.",
}


class BillingForm(BillingFormTemplate):
    """Who pays what, and who does not."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Billing")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "billing")
        self.btn_new.visible = self.btn_check.visible = session.may("billing.manage")
        self.dd_state.items = STATE_ITEMS
        self.dd_sort.items = SORT_ITEMS
        controls = {"search": self.txt_search, "state": self.dd_state, "sort": self.dd_sort}
        self.listing = Listing(self, PATH, "list_billing_accounts", "accounts", controls, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self._load_figures()
        self.listing.start()

    def _load_figures(self):
        try:
            self._show_figures(api.call_quietly("get_billing_overview"))
        except api.ApiError:
            return  # The list itself says what is wrong.

    def _show_figures(self, figures):
        nodes, states = self.dom_nodes, figures["states"]
        nodes["cards"].hidden = False
        nodes["connect"].hidden = figures["is_connected"]
        amounts = [
            formatting.money(one["monthly_cents"], one["currency"]) for one in figures["revenue"]
        ]
        self.card_revenue.show(
            amounts[0] if amounts else "–",
            "and " + ", ".join(amounts[1:]) if amounts[1:] else "from running subscriptions",
        )
        trials = states["trialing"]
        subscribed = states["active"] + states["ending"] + states["trialing"] + states["past_due"]
        self.card_active.show(
            formatting.number(subscribed),
            "of them {} on trial".format(formatting.number(trials)) if trials else "none on trial",
        )
        owed = [formatting.money(one["owed_cents"], one["currency"]) for one in figures["owed"]]
        if states["past_due"]:
            self.card_owed.show(
                formatting.number(states["past_due"]), ", ".join(owed) or "owed", "attention"
            )
        else:
            self.card_owed.show("0", "All have paid", "good", "check_circle")
        self.card_suspended.show(formatting.number(states["suspended"]), "not paid, or by hand")
        self._show_trouble(figures)
        self._show_check(figures["check"])

    def _show_trouble(self, figures):
        told = []
        if figures["surplus"]:
            told.append("These pay twice: {}.".format(", ".join(figures["surplus"])))
        if figures["failed_events"]:
            count = formatting.plural(figures["failed_events"], "message", "messages")
            told.append(
                "{} of Stripe could not be taken. “Compare with Stripe” makes up for it.".format(
                    count
                )
            )
        self.dom_nodes["trouble"].hidden = not told
        self.dom_nodes["trouble_text"].textContent = " ".join(told)

    def _show_check(self, check):
        if check is None:
            text = "Not compared with Stripe yet; that happens every night."
        elif check["status"] == "failed":
            text = "The last comparison with Stripe failed: {}".format(check["note"])
        else:
            count = len(check["differences"])
            text = "Compared with Stripe {}: {}.".format(
                formatting.ago(check["started_at"]),
                formatting.plural(count, "difference, put right", "differences, put right")
                if count
                else "all as it should be",
            )
        self.dom_nodes["checked"].textContent = text

    def connect_click(self, event):
        navigation_helpers.follow(event, "/app/settings/integrations")

    @handle("btn_check", "click")
    def btn_check_click(self, **event_args):
        self.btn_check.enabled = False
        try:
            check = api.call("run_billing_check")["check"]
        except api.ApiError as error:
            Notification(error.message, title="Not compared", style="danger").show()
            return
        finally:
            self.btn_check.enabled = True
        self._load_figures()
        self.listing.load()
        count = len(check["differences"])
        text = formatting.plural(count, "difference was", "differences were") + " put right."
        Notification(text if count else "All is as Stripe has it.", timeout=4).show()

    @handle("btn_new", "click")
    def btn_new_click(self, **event_args):
        name = alert(TenantDialog(), title="Bill a tenant", buttons=[], dismissible=True)
        if name:
            navigation_helpers.go("/app/billing/tenants/" + name)
