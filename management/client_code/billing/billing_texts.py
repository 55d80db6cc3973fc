"""Words and amounts of billing."""

from master_template.shared import currencies, formatting

STATE_NAMES = {
    "none": "Not subscribed",
    "trialing": "Trial",
    "active": "Active",
    "ending": "Ends",
    "past_due": "Payment failed",
    "suspended": "Suspended",
    "ended": "Ended",
    "exempt": "Free of charge",
}
# The class of a state's chip; see console.css.
STATE_CLASSES = {
    "active": "mc-well",
    "trialing": "mc-running",
    "ending": "mc-warning",
    "past_due": "mc-critical",
    "suspended": "mc-critical",
}
INVOICE_NAMES = {
    "open": "Open",
    "paid": "Paid",
    "uncollectible": "Written off",
    "void": "Void",
}
INVOICE_CLASSES = {"paid": "mc-well", "open": "mc-warning", "uncollectible": "mc-critical"}
LIMIT_NAMES = {"contacts": "Contacts", "emails": "E-mails a month", "storage_mb": "Storage"}
STEP_NAMES = {
    "remind": "Reminder by e-mail",
    "warn": "Last warning by e-mail",
    "suspend": "Suspension",
}


def price(cents, currency, interval):
    """`R 450,00 a month`, `Free`."""
    if cents is None:
        return ""
    if not cents:
        return "Free"
    return "{} a {}".format(formatting.money(cents, currency), interval)


def limit(name, value):
    """A limit or a use of it in words."""
    if value is None:
        return "no limit"
    if name == "storage_mb":
        return formatting.file_size(value * 1000000)
    return formatting.number(value)


def to_typed(cents, currency):
    """An amount as it is typed: `450.00`."""
    if cents is None:
        return ""
    digits = currencies.minor_digits(currency)
    text = str(cents)
    if not digits:
        return text
    text = text.rjust(digits + 1, "0")
    return text[:-digits] + "." + text[-digits:]


def to_cents(text, currency):
    """What was typed in the currency's smallest unit, or the text itself where it is no amount:
    the server says then what it expects. Spaces part thousands; a comma is a point."""
    digits = currencies.minor_digits(currency or "EUR")
    plain = "".join((text or "").split()).replace(",", ".")
    whole, _, part = plain.partition(".")
    if not whole.isdigit() or (part and not part.isdigit()) or len(part) > digits:
        return text
    return int(whole + part + "0" * (digits - len(part)))


def plan_label(plan):
    """`Studio, R 450,00 a month`."""
    words = price(plan["price_cents"], plan["currency"], plan["interval"])
    return "{}, {}".format(plan["name"], words)
