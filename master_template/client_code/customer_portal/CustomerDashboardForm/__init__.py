from ._anvil_designer import CustomerDashboardFormTemplate

from anvil import Notification, handle

from ...shared import api, navigation_helpers, session
from ..guard import require_customer
from ..portal_parts import shortcuts


class CustomerDashboardForm(CustomerDashboardFormTemplate):
    """A customer's first page."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/home", "My dashboard")
        self.versions = {}
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "my_dashboard")
        self._greet()

    @handle("", "show")
    def form_show(self, **event_args):
        if require_customer():
            self.load()

    def _greet(self):
        user = session.user()
        if user:
            nodes = self.dom_nodes
            nodes["greeting"].textContent = "Hello " + (user["name"].split(" ")[0] or user["email"])
            nodes["subtitle"].textContent = "at " + session.business()["business_name"]

    def load(self):
        """Read what is to be seen, and show it."""
        self.dom_nodes["body"].hidden = True
        self.state.say("loading")
        try:
            found = api.call_quietly("get_my_dashboard")
        except api.ApiError as error:
            self.state.say("error", "Your page did not load", error.message, "Try again")
            return
        self.state.say("none")
        self._show(found)
        self.dom_nodes["body"].hidden = False
        self.referrals.load()

    @handle("state", "action")
    def state_action(self, **event_args):
        self.load()

    def _show(self, found):
        nodes = self.dom_nodes
        self.rp_shortcuts.items = shortcuts(found["parts"])
        self.rp_events.items = found["activity"]
        nodes["events"].hidden = not found["activity"]
        nodes["no_events"].hidden = bool(found["activity"])
        profile = found["profile"]
        nodes["name"].textContent = (profile["first_name"] + " " + profile["last_name"]).strip()
        nodes["email"].textContent = profile["email"]
        nodes["phone"].textContent = profile["phone"] or "–"
        nodes["address"].textContent = address_lines(profile["address"]) or "–"
        self._show_business(found["business"])
        self._show_texts(found["outstanding"])
        self.versions = found["versions"]

    def _show_texts(self, outstanding):
        nodes = self.dom_nodes
        nodes["texts_banner"].hidden = not outstanding
        nodes["terms_link"].hidden = "terms" not in outstanding
        nodes["privacy_link"].hidden = "privacy_policy" not in outstanding
        what = "these" if len(outstanding) > 1 else "this"
        words = "Please read {}, and tell us that you agree:".format(what)
        nodes["texts_words"].textContent = words

    @handle("btn_agree", "click")
    def btn_agree_click(self, **event_args):
        self.btn_agree.enabled = False
        try:
            api.call("agree_to_texts", self.versions)
        except api.ApiError as error:
            Notification(error.message, title="Not noted", style="danger").show()
            self.load()
            return
        finally:
            self.btn_agree.enabled = True
        self.dom_nodes["texts_banner"].hidden = True
        Notification("Thank you. We have noted that.", timeout=3).show()

    def _show_business(self, business):
        nodes = self.dom_nodes
        nodes["our_name"].textContent = business["business_name"]
        for name, scheme in (("email", "mailto:"), ("phone", "tel:")):
            value = business[name]
            nodes["our_" + name].textContent = value
            nodes["our_" + name].href = scheme + value.replace(" ", "") if value else "/"
            nodes["our_{}_row".format(name)].hidden = not value
        where = address_lines(business["address"])
        nodes["our_address"].textContent = where
        nodes["our_address_row"].hidden = not where
        nodes["our_box"].hidden = not (business["email"] or business["phone"] or where)

    def account_click(self, event):
        navigation_helpers.follow(event, "/app/account")


def address_lines(address):
    """An address as lines of text."""
    town = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    lines = [address.get("line1"), address.get("line2"), town]
    lines += [address.get("region"), address.get("country")]
    return "\n".join(line for line in lines if line)
