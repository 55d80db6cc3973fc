"""The audit log in words: what was done, and what a field was before and after."""

import re

from anvil.js import window

from ..shared import formatting, session

ACTIONS = {
    "accept": "Accepted",
    "add_note": "Added a note to",
    "change_access": "Changed the access of",
    "change_password": "Changed the password of",
    "change_scope": "Changed what is in the care of",
    "clear_second_factor": "Took the second factor off",
    "create": "Created",
    "delete": "Deleted",
    "disconnect": "Disconnected",
    "erase": "Erased",
    "export": "Exported",
    "fill_sample_data": "Made sample data for",
    "import": "Imported",
    "link": "Linked an account to",
    "log_event": "Logged an event of",
    "publish": "Published",
    "reactivate": "Reactivated",
    "reencrypt": "Encrypted anew with",
    "remove": "Removed",
    "request_password_reset": "Asked for a new password for",
    "resend": "Sent again",
    "reset": "Reset",
    "restore": "Restored",
    "retry": "Sent again",
    "retention": "Deleted old entries of",
    "revoke": "Revoked",
    "set_up": "Set up",
    "suspend": "Suspended",
    "test": "Tested",
    "transfer_ownership": "Handed the business over to",
    "update": "Changed",
}
# Where thing and action together say it shorter.
WHOLE = {
    "consent.agree": "Agreed to the terms",
    "contact.dismiss_duplicate": "Said of two contacts that they are two people",
    "contact.restore_duplicate": "Took two contacts for likely duplicates again",
    "mail.test": "Sent a test mail",
    "settings.require_second_factor": "Changed who needs a second factor",
    "user.begin_second_factor": "Began to set up a second factor",
    "user.disable_second_factor": "Switched their second factor off",
    "user.enable_second_factor": "Switched a second factor on",
    "user.renew_recovery_codes": "Made new recovery codes",
    "user.log_in": "Logged in",
    "user.log_out": "Logged out",
    "contact.fill_sample_data": "Made sample data",
    "contact.import": "Imported contacts",
    "user.export": "Exported their own data",
}
THINGS = {"user": "Account", "mail": "E-mail", "mail_template": "E-mail template"}
PEOPLE = {"system": "The system", "nobody": "Somebody not logged in", "erased": "Erased person"}
NOTHING = "—"
WORDS = {"erased": "erased", "hidden": "(not shown)"}

_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d")


def words(name):
    """`first_name` as `First name`."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def thing_name(resource_type):
    """A kind of thing as filters name it."""
    return THINGS.get(resource_type) or words(resource_type)


def action_name(action):
    """An action as filters name it, without the thing."""
    return words(action)


def person_name(user_email):
    """Who did it."""
    return PEOPLE.get(user_email, user_email or "Somebody unknown")


def headline(entry):
    """What was done: `Changed contact`. The number or address of the thing stands beside it."""
    whole = WHOLE.get(entry["resource_type"] + "." + entry["action"])
    if whole:
        return whole
    verb = ACTIONS.get(entry["action"])
    thing = thing_name(entry["resource_type"])
    if verb is None:
        return words(entry["action"]) + " · " + thing
    return verb + " " + thing[:1].lower() + thing[1:]


def field_name(field):
    """A column as people say it: `deleted_at` as `Deleted`, `price_cents` as `Price`."""
    for ending in ("_at", "_cents", "_id"):
        if field.endswith(ending) and len(field) > len(ending):
            return words(field[: -len(ending)])
    return words(field)


def value_text(field, value):
    """A value as one reads it."""
    if value is None or value == "" or value == [] or value == {}:
        return NOTHING
    if value is True:
        return "Yes"
    if value is False:
        return "No"
    if isinstance(value, (int, float)):
        if field.endswith("_cents"):
            return formatting.money(value)
        return formatting.number(value)
    if isinstance(value, str):
        return WORDS.get(value) or (_moment_text(value) if _MOMENT.match(value) else value)
    if isinstance(value, dict):
        parts = [
            field_name(name) + ": " + value_text(name, value[name])
            for name in sorted(value)
            if value_text(name, value[name]) != NOTHING
        ]
        return ", ".join(parts) or NOTHING
    return ", ".join([value_text(field, part) for part in value])


def _moment_text(text):
    """A time in ISO 8601, in the business's zone and language."""
    moment = window.Date.parse(text)
    if moment != moment:  # no time after all
        return text
    business = session.business()
    style = {"dateStyle": "medium", "timeStyle": "short", "timeZone": business["time_zone"]}
    return window.Intl.DateTimeFormat(business["locale"], style).format(moment)
