"""How recommendations and their rewards are named."""

STATUS_NAMES = {
    "invited": "To be confirmed",
    "joined": "Joined",
    "qualified": "Bought",
    "rewarded": "Rewarded",
    "rejected": "Does not count",
}
STATUS_CHIPS = {
    "invited": "",
    "joined": "lead",
    "qualified": "lead",
    "rewarded": "active",
    "rejected": "deleted",
}
ENTRY_NAMES = {"granted": "open", "used": "used", "revoked": "taken back"}
KIND_ITEMS = [
    ("No reward", "none"),
    ("A percentage off", "percent"),
    ("An amount off", "amount"),
    ("Something else", "text"),
]
