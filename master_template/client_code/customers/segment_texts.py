"""What the pages about segments call things, and amounts as they are typed there."""

from ..shared import currencies, session

TYPE_NAMES = {"custom": "Your rules", "prebuilt": "Pre-built", "static": "By hand"}
MATCH_ITEMS = [
    ("All of these are true", "all"),
    ("Any of these is true", "any"),
    ("None of these is true", "none"),
]
USE_NAMES = {"campaign": "Campaign", "broadcast": "Broadcast", "lead_form": "Lead form"}


def clean_words(text):
    """The words of a text in which commas stand between them."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def relative_faults(fields, place):
    """The messages of what stands under a place, by what is left of their names."""
    start = place + "."
    return dict((name[len(start) :], fields[name]) for name in fields if name.startswith(start))


def as_units(cents):
    """Cents as a number of the business's currency that can be typed: `1250` or `12.5`."""
    if not isinstance(cents, int):
        return str(cents or "")
    units = cents / float(_scale())
    return str(int(units)) if units == int(units) else str(units)


def as_cents(text):
    """What was typed as an amount in cents, or as it is, for the server to say what is wrong."""
    text = (text or "").strip()
    try:
        return int(round(float(text.replace(" ", "").replace(",", ".")) * _scale()))
    except ValueError:
        return text or None


def _scale():
    return 10 ** currencies.minor_digits(session.business()["currency"])
