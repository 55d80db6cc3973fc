"""How reviews and requests for them are named."""

STATUS_NAMES = {"pending": "To be read", "published": "Published", "hidden": "Hidden"}
STATUS_CHIPS = {"pending": "lead", "published": "active", "hidden": "deleted"}
REQUEST_NAMES = {
    "planned": "Planned",
    "sent": "Asked",
    "skipped": "Not asked",
    "answered": "Answered",
}
REQUEST_CHIPS = {"planned": "", "sent": "lead", "skipped": "", "answered": "active"}


def stars(rating):
    """`★★★★☆`."""
    return "★" * rating + "☆" * (5 - rating)
