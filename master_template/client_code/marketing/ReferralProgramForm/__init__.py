from ._anvil_designer import ReferralProgramFormTemplate

from anvil import Notification, alert, handle
from anvil.js import window

from ...shared import api, formatting, navigation_helpers, session
from ...shared.listing import Listing
from .. import lead_texts
from ..PersonDialog import ask_person
from ..referral_texts import STATUS_NAMES

PATH = "/app/referrals"
STATUS_ITEMS = [("Any status", None)] + [
    (STATUS_NAMES[word], word)
    for word in ("invited", "joined", "qualified", "rewarded", "rejected")
]
WORDS = {
    "one": "recommendation",
    "many": "recommendations",
    "none": "No recommendations yet",
    "none_text": "Give a customer their own link; whoever follows it and buys brings both of them "
    "a reward.",
}


class ReferralProgramForm(ReferralProgramFormTemplate):
    """The recommendation programme: its rules, who recommended whom, and who did so most."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Recommendations")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "referrals")
        self.btn_link.visible = session.may("marketing.manage") and session.may("customers.view")
        self.dd_status.items = STATUS_ITEMS
        controls = {"status": self.dd_status}
        self.listing = Listing(
            self,
            PATH,
            "list_referrals",
            "referrals",
            controls,
            WORDS,
            on_show=self._load_leaders,
        )
        self.rp_items.add_event_handler("x-changed", self._changed)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.program.load()
        self.listing.start()

    def _changed(self, **event_args):
        self.listing.load()

    def _load_leaders(self, answer):
        try:
            leaders = api.call_quietly("get_referral_leaderboard")["leaders"]
        except api.ApiError:
            return  # The list says what there is; this only sums it up.
        place = self.dom_nodes["leaders"]
        place.replaceChildren()
        for leader in leaders:
            line = lead_texts.cell("li", "")
            line.append(
                lead_texts.cell("span", leader["contact_name"], "mb-name"),
                lead_texts.cell(
                    "span",
                    "{} joined, {} rewarded".format(
                        formatting.number(leader["joined"]), formatting.number(leader["rewarded"])
                    ),
                    "mb-soft",
                ),
            )
            place.append(line)
        self.dom_nodes["leaders_panel"].hidden = not leaders

    @handle("btn_link", "click")
    def btn_link_click(self, **event_args):
        chosen = ask_person(
            "Someone’s link",
            "Everybody has a link of their own, which stays the same. Send it to them.",
            "Show the link",
        )
        if chosen is None:
            return
        contact = chosen[0]
        try:
            link = api.call("create_referral_code", contact["contact_id"])["link"]
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        title = "The link of " + contact["full_name"]
        if alert(link, title=title, buttons=[("Done", False), ("Copy", True)]):
            window.navigator.clipboard.writeText(link)
            Notification("Copied.", timeout=2).show()
