from ._anvil_designer import ReferralPanelTemplate

from anvil import Notification, handle
from anvil.js import window

from ...shared import api, formatting


class ReferralPanel(ReferralPanelTemplate):
    """A customer's own link to pass on, what it brings them and their friends, and has brought.

    Does not show where there is neither a programme nor a reward.
    """

    def __init__(self, **properties):
        self.init_components(**properties)

    def load(self):
        """Read what there is. The page has other things to say: without an answer this one is
        left out."""
        try:
            found = api.call_quietly("get_my_referrals")
        except api.ApiError:
            self.dom_nodes["panel"].hidden = True
            return
        self._show(found)

    def _show(self, found):
        nodes, link, counts = self.dom_nodes, found["link"], found["counts"]
        nodes["panel"].hidden = not (found["is_running"] or found["rewards"])
        nodes["running"].hidden = not found["is_running"]
        nodes["promise"].textContent = promise(found["rules"])
        nodes["link"].textContent = link or ""
        nodes["link_box"].hidden = not link
        self.btn_make.visible = not link
        nodes["visits"].textContent = formatting.plural(counts["visits"], "time", "times")
        nodes["confirmed"].textContent = formatting.plural(counts["confirmed"], "friend", "friends")
        nodes["came"].textContent = formatting.plural(counts["came"], "friend", "friends")
        nodes["counts"].hidden = not link
        self.rp_rewards.items = found["rewards"]
        nodes["rewards"].hidden = not found["rewards"]

    @handle("btn_make", "click")
    def btn_make_click(self, **event_args):
        self.btn_make.enabled = False
        try:
            found = api.call("create_my_referral_link")
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        finally:
            self.btn_make.enabled = True
        self._show(found)
        self.dom_nodes["link"].focus()

    @handle("btn_copy", "click")
    def btn_copy_click(self, **event_args):
        window.navigator.clipboard.writeText(self.dom_nodes["link"].textContent)
        Notification("Copied.", timeout=2).show()


def promise(rules):
    """What a recommendation brings both, in a few words."""
    you, friend = rules["you"], rules["friend"]
    when = "once they have bought something"
    if rules["minimum"]:
        when += " for {} or more".format(rules["minimum"])
    if you and friend:
        text = "Your friend gets {}, and you get {}, {}.".format(friend, you, when)
    elif you:
        text = "You get {}, {}.".format(you, when)
    elif friend:
        text = "Your friend gets {}, {}.".format(friend, when)
    else:
        return "Send this link to a friend who may like us."
    if rules["hold_days"]:
        days = formatting.plural(rules["hold_days"], "day", "days")
        text += " We wait {} after that, in case it is given back.".format(days)
    return text
