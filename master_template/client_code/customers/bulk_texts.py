"""Changes of many contacts, in words."""

from ..shared import formatting

DOING = {
    "add_tags": ("Tagging", "were tagged"),
    "remove_tags": ("Taking tags away", "have lost the tags"),
    "add_to_segment": ("Adding to the segment", "were added to the segment"),
    "remove_from_segment": ("Taking out of the segment", "were taken out of the segment"),
    "delete": ("Deleting", "were deleted"),
}
STATES = {
    "running": "Running",
    "done": "Done",
    "stopped": "Stopped",
    "undoing": "Being undone",
    "undone": "Undone",
    "failed": "Failed",
}


def name(change):
    """What was asked for: `Add the tags vip, autumn`."""
    tags = ", ".join(change["choices"].get("tags") or [])
    segment = change["segment_name"] or change["choices"].get("segment_id") or ""
    return {
        "add_tags": "Add tags: " + tags,
        "remove_tags": "Take tags away: " + tags,
        "add_to_segment": "Add to the segment " + segment,
        "remove_from_segment": "Take out of the segment " + segment,
        "delete": "Delete",
    }[change["kind"]]


def share(change):
    """How much of a change is done, from 0 to 100."""
    if change["state"] == "undoing":
        done, of = change["undone"] + change["kept"], change["changed"]
    else:
        done, of = change["changed"] + change["skipped"], change["total"]
    return 100.0 * done / of if of else 100


def tell(change):
    """A change in a sentence or two."""
    doing, done = DOING[change["kind"]]
    number, plural, state = formatting.number, formatting.plural, change["state"]
    if state == "running":
        finished = change["changed"] + change["skipped"]
        text = "{}: {} of {}. You may leave this page; it goes on."
        return text.format(doing, number(finished), number(change["total"]))
    if state == "undoing":
        text = "Undoing: {} of {}."
        return text.format(number(change["undone"] + change["kept"]), number(change["changed"]))
    if state == "failed":
        return "It stopped after {}: {}".format(
            plural(change["changed"], "contact", "contacts"), change["error"]
        )
    if state == "stopped":
        text = "It was stopped after {} of {}."
        return text.format(number(change["changed"] + change["skipped"]), number(change["total"]))
    if state == "undone":
        text = "Undone for {}.".format(plural(change["undone"], "contact", "contacts"))
        kept = change.get("kept_contacts") or []
        if change["kept"]:
            text += " {} stay as they are".format(number(change["kept"]))
            text += ": {} ({})".format(kept[0]["contact_id"], kept[0]["reason"]) if kept else "."
        return text
    text = "{} {}.".format(plural(change["changed"], "contact", "contacts"), done)
    if change["changed"] == 1:
        text = text.replace(" were ", " was ").replace(" have ", " has ")
    if change["skipped"]:
        text += " {} had nothing to change.".format(number(change["skipped"]))
    return text
