"""Parts of the form of a broadcast: the trial of a second subject, and whom filters leave.

Each stands on the names of the form's template.
"""

from ..shared import formatting

PERCENT_ITEMS = [("{} %".format(number), number) for number in (10, 20, 30, 40, 50)]
HOURS_ITEMS = [("1 hour", 1)] + [("{} hours".format(n), n) for n in (2, 4, 8, 12, 24, 48)]
WINNER_ITEMS = [("Most opened", "opens"), ("Most clicked", "clicks")]
NEW_TRIAL = {"subject": "", "percent": 20, "hours": 4, "winner_by": "opens"}
STATUS_ITEMS = [("Any status", None)] + [
    (formatting.STATUS_NAMES[word], word) for word in ("lead", "customer", "inactive")
]
LIFECYCLE_ITEMS = [("Any stage", None)] + [
    (formatting.LIFECYCLE_NAMES[word], word) for word in ("new", "active", "at_risk", "lost")
]
SOURCE_ITEMS = [(formatting.SOURCE_NAMES[word], word) for word in formatting.SOURCE_NAMES]
# Filters that this form has no field for; they stay as they came.
NO_FIELD = ("search", "tag", "deleted")


class TrialFields:
    """A second subject that some get first, before the better one goes to all others."""

    def __init__(self, form):
        self.form = form
        form.cb_trial.set_event_handler("change", self._change)
        form.dd_winner.items = WINNER_ITEMS

    def show(self, trial, may, is_offered):
        """What is tried, or that nothing is; `may` the person change it?"""
        form, given = self.form, dict(NEW_TRIAL, **(trial or {}))
        form.cb_trial.checked = bool(trial)
        form.txt_second.text = given["subject"]
        _choose(form.dd_percent, PERCENT_ITEMS, given["percent"], "{} %")
        _choose(form.dd_hours, HOURS_ITEMS, given["hours"], "{} hours")
        form.dd_winner.selected_value = given["winner_by"]
        for name in ("cb_trial", "txt_second", "dd_percent", "dd_hours", "dd_winner"):
            getattr(form, name).enabled = may
        form.dom_nodes["trial_box"].hidden = not is_offered
        self._change()

    def read(self):
        """What the server takes; None where nothing is tried."""
        form = self.form
        if not form.cb_trial.checked:
            return None
        return {
            "subject": (form.txt_second.text or "").strip(),
            "percent": form.dd_percent.selected_value,
            "hours": form.dd_hours.selected_value,
            "winner_by": form.dd_winner.selected_value,
        }

    def _change(self, **event_args):
        self.form.dom_nodes["trial"].hidden = not self.form.cb_trial.checked


class FilterFields:
    """Filters of the list of contacts, which leave some of those who would get it."""

    def __init__(self, form):
        self.form = form
        self._before = {}
        form.dd_status.items = STATUS_ITEMS
        form.dd_lifecycle.items = LIFECYCLE_ITEMS
        form.more.has_marketing = False  # Whoever has not agreed gets nothing anyway.

    def offer(self, tags, segments):
        """What there is to choose from."""
        self.form.more.offer(tags, segments, SOURCE_ITEMS)

    def show(self, filters, may):
        """What is chosen; `may` the person change it?"""
        form, self._before = self.form, filters
        form.dd_status.selected_value = filters.get("status")
        form.dd_lifecycle.selected_value = filters.get("lifecycle_stage")
        form.more.values = filters
        form.dom_nodes["filters"].inert = not may
        self._open(bool(filters))

    def read(self):
        """What the server takes."""
        form, found = self.form, dict(self.form.more.values)
        for name in NO_FIELD:
            if name in self._before:
                found[name] = self._before[name]
        if form.dd_status.selected_value:
            found["status"] = form.dd_status.selected_value
        if form.dd_lifecycle.selected_value:
            found["lifecycle_stage"] = form.dd_lifecycle.selected_value
        return found

    def toggle(self):
        """Open or fold them."""
        self._open(not self.form.dom_nodes["filters"].classList.contains("open"))

    def _open(self, is_open):
        nodes = self.form.dom_nodes
        nodes["filters"].classList.toggle("open", is_open)
        nodes["toggle"].setAttribute("aria-expanded", "true" if is_open else "false")


def _choose(dropdown, items, value, words):
    """Choose a number, also one that is not offered and came by another way."""
    known = [number for _, number in items]
    dropdown.items = items if value in known else items + [(words.format(value), value)]
    dropdown.selected_value = value
