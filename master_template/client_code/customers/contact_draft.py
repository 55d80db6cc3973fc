"""A contact as the editor has it: flat texts, one for each field, and back again."""

import datetime

ADDRESS = ("line1", "line2", "city", "postal_code", "region", "country")
TEXTS = ("first_name", "last_name", "email", "phone", "company", "internal_notes")


def new_item():
    """A contact that nobody has typed anything of yet."""
    return to_item({"status": "lead", "source": "manual"})


def to_item(contact):
    """The editor's fields of a contact as the server gives it."""
    item = {}
    for name in TEXTS:
        item[name] = contact.get(name) or ""
    # As text, so that a draft can be kept as JSON.
    item["birthday"] = contact["birthday"].isoformat() if contact.get("birthday") else ""
    for name in ADDRESS:
        item[name] = (contact.get("address") or {}).get(name) or ""
    preferences = contact.get("preferences") or {}
    item["marketing_opt_in"] = bool(preferences.get("marketing_opt_in"))
    item["channel"] = preferences.get("channel") or "email"
    item["tags"] = ", ".join(contact.get("tags") or [])
    item["status"] = contact["status"]
    item["source"] = contact["source"]
    return item


def day(text):
    """The date of a field's text, or None."""
    if not text:
        return None
    year, month, number = [int(part) for part in text.split("-")]
    return datetime.date(year, month, number)


def to_contact(item):
    """The contact that the server takes, of the editor's fields."""
    contact = {}
    for name in TEXTS:
        contact[name] = item[name]
    contact["birthday"] = item["birthday"] or None
    address = {}
    for name in ADDRESS:
        address[name] = item[name] or ""
    contact["address"] = address
    contact["preferences"] = {
        "marketing_opt_in": bool(item["marketing_opt_in"]),
        "channel": item["channel"],
    }
    contact["tags"] = [tag.strip() for tag in (item["tags"] or "").split(",") if tag.strip()]
    contact["status"] = item["status"]
    contact["source"] = item["source"]
    return contact


def changes(before, after):
    """The parts of a contact to send, of the item as it was read and as it is now."""
    old, new = to_contact(before), to_contact(after)
    return dict((name, new[name]) for name in new if new[name] != old[name])
