"""What jobs are called, how they stand, and how one asks for them."""

from anvil.js import window

from master_template.shared import api, navigation_helpers

STATE_NAMES = {
    "waiting": "Waiting",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
OVER = ("done", "failed", "cancelled")
ARGUMENT_NAMES = {
    "name": "Business",
    "title": "Title",
    "owner": "Owner",
    "owner_name": "Owner's name",
    "release": "Release",
    "to": "To release",
    "reason": "Reason",
    "data": "Data",
    "vertical": "Kind of business",
    "sample_data": "Sample data",
    "time_zone": "Time zone",
    "currency": "Currency",
    "locale": "Language",
    "country": "Country",
    "names": "Businesses",
    "id": "Alert",
    "note": "Note",
}


def new_key():
    """A key for one wish: sent twice, it is one job."""
    return window.crypto.randomUUID()


def ask_for(action, given):
    """Ask for a job and show it. Raises ApiError."""
    job = api.call("request_job", action, given, new_key())["job"]
    navigation_helpers.go("/app/jobs/" + job["job_id"])


def show_state(node, state):
    """A state as a chip."""
    node.textContent = STATE_NAMES[state]
    node.className = "mb-chip mc-" + state
