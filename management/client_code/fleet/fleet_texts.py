"""What the words of a report mean to a person."""

from master_template.shared import formatting

HEALTH_NAMES = {
    "well": "Well",
    "ill": "Ill",
    "down": "Down",
    "stopped": "Stopped",
    "unknown": "Unknown",
}
STATE_NAMES = {
    "unfinished": "Unfinished",
    "upgrading": "Upgrading",
    "interrupted": "Interrupted",
    "stopped": "Stopped",
}
DAY_SECONDS = 24 * 3600


def health_name(instance):
    """One word or two for how an instance is."""
    state = STATE_NAMES.get(instance["state"])
    return state or HEALTH_NAMES[instance["health"]]


def backup_text(instance):
    """When the last backup was made."""
    if instance["backed_up_at"] is None:
        return "Never"
    return formatting.ago(instance["backed_up_at"])


def has_old_backup(instance):
    """Whether there is no backup of the last day."""
    age = instance["backup_age_seconds"]
    return age is None or age > DAY_SECONDS


def size(size_bytes):
    """A size, or a dash where it is not known."""
    return "–" if size_bytes is None else formatting.file_size(size_bytes)


def count(number):
    """A number, or a dash where it is not known."""
    return "–" if number is None else formatting.number(number)
