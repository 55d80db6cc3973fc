"""What lead forms are called, and what a new one begins with."""

from anvil.js import window

KIND_NAMES = {"popup": "Pop-up", "inline": "In the page", "bar": "Bar"}
STATUS_NAMES = {"draft": "Draft", "active": "On", "paused": "Paused"}
STATUS_CHIPS = {"draft": "lead", "active": "active", "paused": ""}
SUBMISSION_NAMES = {
    "pending": "Not confirmed yet",
    "received": "On its way",
    "confirmed": "Came in",
}
FIELDS = ("first_name", "last_name", "phone", "company", "message")
DEMAND_ITEMS = [("Not asked", "off"), ("Optional", "optional"), ("Required", "required")]
CONSENT_ITEMS = [("Has to be ticked", "required"), ("May be left open", "optional")]
KIND_ITEMS = [(KIND_NAMES[word], word) for word in ("popup", "inline", "bar")]
TRIGGER_ITEMS = [
    ("At once", "immediately"),
    ("After some seconds", "delay"),
    ("After scrolling", "scroll"),
    ("On the way out", "exit"),
    ("When a link is clicked", "click"),
]
POSITION_ITEMS = [("At the bottom", "bottom"), ("At the top", "top")]
NEW_FORM = {
    "name": "",
    "kind": "popup",
    "fields": {
        "first_name": "optional",
        "last_name": "off",
        "phone": "off",
        "company": "off",
        "message": "off",
        "consent": "required",
    },
    "texts": {
        "heading": "Hear from us",
        "text": "News and offers, about once a month.",
        "button": "Sign me up",
        "success": "Thank you. Please look into your postbox and press the button in our mail.",
        "consent": "Yes, you may write to me by e-mail. I can take that back at any time.",
    },
    "trigger": {
        "kind": "delay",
        "delay_seconds": 5,
        "scroll_percent": 50,
        "frequency_days": 14,
        "position": "bottom",
    },
    "origins": [],
    "is_double_opt_in": True,
    "tags": [],
    "segment_id": None,
    "campaign_id": None,
}
GONE_SEGMENT = "A segment that was deleted"
GONE_CAMPAIGN = "A campaign that is no more"
# What a campaign's status means for those who come in by a form.
CAMPAIGN_NOTES = {
    "draft": "This campaign is a draft: it takes nobody until it is started.",
    "paused": "This campaign is paused: whoever comes in now is not put into it.",
}


def segment_items(segments):
    """Those of the picker, with a way to choose none."""
    return [("None", None)] + [(one["segment_name"], one["segment_id"]) for one in segments]


def campaign_items(campaigns):
    """Those of the picker, each with its status where it does not run."""
    items = [("None", None)]
    for one in campaigns:
        text = one["campaign_name"]
        if one["status"] in CAMPAIGN_NOTES:
            text += " (" + one["status"] + ")"
        items.append((text, one["campaign_id"]))
    return items


def segment_note(segments, chosen):
    """What is to be known of a chosen segment, or ''."""
    if chosen is None:
        return ""
    for one in segments:
        if one["segment_id"] == chosen:
            return "" if one["is_active"] else "This segment is switched off."
    return "This segment was deleted: nobody is put into it. Please choose another one, or none."


def campaign_note(campaigns, chosen):
    """What is to be known of a chosen campaign, or ''."""
    if chosen is None:
        return ""
    for one in campaigns:
        if one["campaign_id"] == chosen:
            return CAMPAIGN_NOTES.get(one["status"], "")
    return (
        "This campaign was archived or deleted: nobody is put into it. Please choose another one, "
        "or none."
    )


def show_chip(node, status, names, chips):
    """A status as a pill."""
    node.textContent = names.get(status, status)
    node.className = "mb-chip " + chips.get(status, "")


def cell(tag, text, name=""):
    """An element with a text."""
    node = window.document.createElement(tag)
    node.textContent = text
    node.className = name
    return node


def split_words(text, separator=","):
    """The words of a field in which people part them."""
    return [word.strip() for word in (text or "").split(separator) if word.strip()]
