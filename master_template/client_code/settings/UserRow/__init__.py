from ._anvil_designer import UserRowTemplate

from anvil import handle

from ...shared import formatting


class UserRow(UserRowTemplate):
    """Someone who works here, with a menu of what the reader may do about them.

    `item` is a user of `list_users`, with `is_owner` and `is_restricted`
    (of the reader) and `act(action, user)`.
    """

    def __init__(self, **properties):
        self.init_components(**properties)
        user = self.item
        name = user["name"] or user["email"]
        nodes = self.dom_nodes
        nodes["row"].classList.toggle("first", self.item["is_first"])
        nodes["initials"].textContent = formatting.initials(name)
        nodes["name"].textContent = name
        nodes["you"].hidden = not user["is_you"]
        nodes["email"].textContent = user["email"]
        nodes["role"].textContent = formatting.ROLE_NAMES[user["role"]]
        nodes["role"].classList.toggle("customer", user["role"] == "owner")
        is_suspended = user["status"] != "active"
        nodes["suspended"].hidden = not is_suspended
        seen = formatting.ago(user["last_login"])
        nodes["seen"].textContent = "Logged in " + seen if seen else "Not logged in yet"
        self.menu.visible = user["may_change"]
        self.menu.tooltip = "What to do with " + name
        self.item_suspend.visible = not is_suspended
        self.item_reactivate.visible = is_suspended
        self.item_transfer.visible = user["is_owner"] and not is_suspended
        self.item_factor.visible = user["has_second_factor"] and not user["is_restricted"]
        self.item_change.visible = self.item_scope.visible = not user["is_restricted"]
        self.item_remove.visible = not user["is_restricted"]
        nodes["factor"].hidden = not user["has_second_factor"]
        nodes["part"].hidden = user["scope"] is None

    @handle("item_change", "click")
    def item_change_click(self, **event_args):
        self.item["act"]("change", self.item)

    @handle("item_scope", "click")
    def item_scope_click(self, **event_args):
        self.item["act"]("scope", self.item)

    @handle("item_factor", "click")
    def item_factor_click(self, **event_args):
        self.item["act"]("factor", self.item)

    @handle("item_transfer", "click")
    def item_transfer_click(self, **event_args):
        self.item["act"]("transfer", self.item)

    @handle("item_suspend", "click")
    def item_suspend_click(self, **event_args):
        self.item["act"]("suspend", self.item)

    @handle("item_reactivate", "click")
    def item_reactivate_click(self, **event_args):
        self.item["act"]("reactivate", self.item)

    @handle("item_remove", "click")
    def item_remove_click(self, **event_args):
        self.item["act"]("remove", self.item)
