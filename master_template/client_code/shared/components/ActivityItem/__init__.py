from ._anvil_designer import ActivityItemTemplate

from ... import formatting, navigation_helpers

ICONS = {
    "created": "person_add",
    "imported": "upload",
    "note": "sticky_note_2",
    "call": "call",
    "email": "mail",
    "booking": "event",
    "order": "shopping_bag",
    "payment": "payments",
    "visit": "self_improvement",
    "status_changed": "swap_horiz",
    "updated": "edit",
    "deleted": "delete",
    "restored": "undo",
    "membership": "card_membership",
    "linked": "account_circle",
    "lead_captured": "edit_note",
    "meeting": "groups",
    "refund": "currency_exchange",
    "task_completed": "task_alt",
    "lifecycle_changed": "timeline",
    "email_sent": "forward_to_inbox",
    "campaign_left": "logout",
    "unsubscribed": "unsubscribe",
    "merged": "merge",
    "referral": "group_add",
    "review": "star",
}


class ActivityItem(ActivityItemTemplate):
    """One event of a timeline; `item` is the event, `show_contact` and `is_last`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        event = self.item
        nodes = self.dom_nodes
        kind = event["event_type"]
        nodes["root"].classList.toggle("last", event["is_last"])
        nodes["dot"].classList.add(kind)
        nodes["icon"].setAttribute("name", ICONS.get(kind, "history"))
        what = event["description"]
        cents = event["event_data"].get("amount_cents")
        if cents:
            what = what + ": " + formatting.money(cents, event["event_data"].get("currency"))
        nodes["what"].textContent = what
        parts = [formatting.ago(event["event_date"])]
        if event["author_name"] and not event["show_contact"]:
            parts.append(event["author_name"])
        if not event["user_visible"]:
            parts.append("internal")
        nodes["when"].textContent = " · ".join(parts)
        nodes["when"].title = formatting.day_and_time(event["event_date"])
        if event["show_contact"] and event.get("contact_id"):
            nodes["who"].hidden = False
            nodes["who"].href = "/app/contacts/" + event["contact_id"]
            nodes["who"].textContent = event["contact_name"]
            nodes["when"].textContent = " · " + nodes["when"].textContent

    def who_click(self, event):
        navigation_helpers.follow(event, "/app/contacts/" + self.item["contact_id"])
