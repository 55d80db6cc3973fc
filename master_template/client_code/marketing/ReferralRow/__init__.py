from ._anvil_designer import ReferralRowTemplate

from anvil import Notification, handle

from ...shared import api, formatting, session
from ...shared.components.ConfirmationDialog import confirm
from .. import lead_texts, referral_texts
from ..WordsDialog import ask_words


class ReferralRow(ReferralRowTemplate):
    """One recommendation with what can be done about it. Tells the list by `x-changed`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        referral = self.item
        nodes = self.dom_nodes
        friend = referral["friend_name"] or referral["email"]
        nodes["who"].textContent = "{} → {}".format(referral["referrer_name"] or "–", friend)
        nodes["when"].textContent = "{} · {}".format(
            referral["code"], formatting.day(referral["invited_at"])
        )
        lead_texts.show_chip(
            nodes["status"],
            referral["status"],
            referral_texts.STATUS_NAMES,
            referral_texts.STATUS_CHIPS,
        )
        notes = list(referral["notes"])
        if referral["reason"]:
            notes.append(referral["reason"])
        nodes["notes"].textContent = ". ".join(notes)
        nodes["notes"].hidden = not notes
        for side in ("referrer", "friend"):
            reward = referral["rewards"].get(side)
            node = nodes[side]
            node.hidden = not reward
            if reward:
                whose = "Who recommended" if side == "referrer" else "Friend"
                state = referral_texts.ENTRY_NAMES[reward["entry"]]
                node.textContent = "{}: {} ({})".format(whose, reward["words"], state)
        self._show_buttons(referral)

    def _show_buttons(self, referral):
        may = session.may("marketing.manage")
        is_open = may and referral["status"] in ("joined", "qualified")
        self.btn_reward.visible = self.btn_reject.visible = is_open
        for side in ("referrer", "friend"):
            reward = referral["rewards"].get(side)
            is_open = bool(may and reward and reward["entry"] == "granted")
            getattr(self, "btn_used_" + side).visible = is_open
            getattr(self, "btn_revoke_" + side).visible = is_open

    def _call(self, name, *args):
        try:
            api.call(name, self.item["referral_id"], *args)
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.parent.raise_event("x-changed")

    @handle("btn_reward", "click")
    def btn_reward_click(self, **event_args):
        self._call("decide_referral", "reward")

    @handle("btn_reject", "click")
    def btn_reject_click(self, **event_args):
        reason = ask_words(
            "This recommendation does not count?",
            "Neither side gets a reward. The reason is kept.",
            "Does not count",
            "Why",
        )
        if reason:
            self._call("decide_referral", "reject", reason)

    @handle("btn_used_referrer", "click")
    def btn_used_referrer_click(self, **event_args):
        self._call("settle_referral_reward", "referrer", "used")

    @handle("btn_used_friend", "click")
    def btn_used_friend_click(self, **event_args):
        self._call("settle_referral_reward", "friend", "used")

    @handle("btn_revoke_referrer", "click")
    def btn_revoke_referrer_click(self, **event_args):
        self._revoke("referrer")

    @handle("btn_revoke_friend", "click")
    def btn_revoke_friend_click(self, **event_args):
        self._revoke("friend")

    def _revoke(self, side):
        referral = self.item
        name = referral[side + "_name"] or "Someone who was erased"
        is_sure = confirm(
            "Take this reward back?",
            "{} no longer has “{}”. The ledger keeps both entries, with your name, and it cannot "
            "be granted again.".format(name, referral["rewards"][side]["words"]),
            "Take back",
            is_dangerous=True,
        )
        if is_sure:
            self._call("settle_referral_reward", side, "revoked")
