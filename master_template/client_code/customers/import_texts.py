"""How imports and exports of contacts are told: states and counts in words."""

from ..shared import formatting

PATH = "/app/contacts/import"
IMPORTS = "/app/contacts/imports/"
MAX_BYTES = 30000000
STATES = {
    "uploaded": "Not checked yet",
    "working": "At work",
    "checked": "Checked, not imported yet",
    "done": "Imported",
    "cancelled": "Cancelled",
    "failed": "Stopped by an error",
}
# Name of a count -> before the import, and after it; in the order in which they are told.
COUNTS = [
    ("created", "new, to be added", "added"),
    ("updated", "to be brought up to date", "brought up to date"),
    ("unchanged", "there already, with nothing new", "there already, with nothing new"),
    ("skipped", "there already, and left alone", "there already, and left alone"),
    ("refused", "refused", "refused"),
    ("kept_out", "unsubscribed before, and left so", "unsubscribed before, and left so"),
]


def count_rows(found, is_done):
    """(name, number, what it counts) of each count that there is."""
    rows = []
    for name, before, after in COUNTS:
        if found.get(name):
            rows.append((name, found[name], after if is_done else before))
    return rows


def summary(entry):
    """One line about an import."""
    if entry["state"] == "working":
        if entry["total_rows"]:
            return "{} of {} rows".format(
                formatting.number(entry["done_rows"]), formatting.number(entry["total_rows"])
            )
        return "Reading the file"
    parts = []
    for _name, number, text in count_rows(entry["counts"], entry["stage"] == "import"):
        parts.append("{} {}".format(formatting.number(number), text))
    return ", ".join(parts) or formatting.file_size(entry["file_bytes"])
