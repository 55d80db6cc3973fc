from ._anvil_designer import InvitationRowTemplate

from anvil import handle

from ...shared import formatting


class InvitationRow(InvitationRowTemplate):
    """An invitation that waits for an answer; `item` as `list_invitations` gives it, with
    `act(action, invitation)`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        invitation = self.item
        nodes = self.dom_nodes
        nodes["row"].classList.toggle("first", self.item["is_first"])
        nodes["email"].textContent = invitation["email"]
        nodes["by"].textContent = "Invited by {}, {}".format(
            invitation["invited_by"], formatting.ago(invitation["sent_at"])
        )
        nodes["role"].textContent = formatting.ROLE_NAMES[invitation["role"]]
        nodes["expired"].hidden = not invitation["is_expired"]
        nodes["until"].hidden = invitation["is_expired"]
        nodes["until"].textContent = "until " + formatting.day(invitation["expires_at"])
        self.btn_resend.visible = self.btn_revoke.visible = invitation["may_change"]
        self.btn_resend.tooltip = "Send again to " + invitation["email"]
        self.btn_revoke.tooltip = "Withdraw the invitation of " + invitation["email"]

    @handle("btn_resend", "click")
    def btn_resend_click(self, **event_args):
        self.item["act"]("resend", self.item)

    @handle("btn_revoke", "click")
    def btn_revoke_click(self, **event_args):
        self.item["act"]("revoke", self.item)
