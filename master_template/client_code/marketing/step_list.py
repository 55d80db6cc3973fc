"""The mails of a campaign while it is edited: their order, timing, and the one that is open."""

from anvil.js.window import document

from ..shared import form_fields
from . import campaign_texts

FIELDS = {"delay": "txt_delay", "unit": "dd_unit", "hour": "dd_hour"}


def whole(text):
    """The whole number that was typed, or the text itself, for the server to refuse."""
    try:
        return int(str(text or 0).strip())
    except ValueError:
        return text


class StepList:
    """The part of a form that edits steps. Its template has the components `rp_steps`,
    `btn_add_step`, `txt_delay`, `dd_unit`, `dd_hour` and `mail_editor`, and the dom nodes
    `step_box`, `no_steps` and `days`."""

    def __init__(self, form):
        self.form = form
        self.steps = []
        self.figures = {}
        self.chosen = None
        self.may = True
        form.dd_unit.items = campaign_texts.UNIT_ITEMS
        form.dd_hour.items = campaign_texts.HOUR_ITEMS
        form_fields.remember_hints(form, FIELDS)
        form.rp_steps.set_event_handler("x-choose", self._choose)
        form.rp_steps.set_event_handler("x-move", self._move)
        form.rp_steps.set_event_handler("x-remove", self._remove)
        form.btn_add_step.set_event_handler("click", self._add)
        form.mail_editor.set_event_handler("x-change", self._mail_changed)
        for name in FIELDS.values():
            getattr(form, name).set_event_handler("change", self._timing_changed)
        self._make_days()

    def show(self, steps, may):
        """Show the steps that are saved; the one that was open stays open."""
        self.steps = [dict(step) for step in steps]
        self.may = may
        self.form.btn_add_step.visible = may
        place = self.chosen if self.chosen is not None and self.chosen < len(steps) else 0
        self.chosen = None
        if steps:
            self._open(place)
        else:
            self._draw()

    def show_figures(self, figures):
        """Show what became of the mails of each step."""
        self.figures = dict((one["step_id"], one) for one in figures)
        self._draw()

    def read(self):
        """The steps as they are now."""
        self._keep()
        return [dict(step) for step in self.steps]

    def show_errors(self, fields):
        """Show what was refused of the steps, at the mail it is about; give the others."""
        left, mine = {}, {}
        for field in fields:
            parts = field.split(".", 2)
            if parts[0] == "steps" and len(parts) == 3:
                mine.setdefault(int(parts[1]), {})[parts[2]] = fields[field]
            else:
                left[field] = fields[field]
        if mine:
            place = min(mine)
            self._keep()
            self._open(place)
            others = self.form.mail_editor.show_errors(mine[place])
            form_fields.show_errors(self.form, FIELDS, others)
            left["steps"] = "Mail {}: {}".format(place + 1, " ".join(mine[place].values()))
        return left

    # One step.

    def _open(self, place):
        self.chosen = place
        form, step = self.form, self.steps[place]
        form.txt_delay.text = str(step["delay"])
        form.dd_unit.selected_value = step["unit"]
        form.dd_hour.selected_value = step["hour"]
        form.mail_editor.show(step["content"], is_editable=self.may)
        step["content"] = form.mail_editor.content
        for name in FIELDS.values():
            getattr(form, name).enabled = self.may
        self._draw()

    def _keep(self):
        """Put what the fields say into the step that is open."""
        if self.chosen is None:
            return
        form, step = self.form, self.steps[self.chosen]
        step["delay"] = whole(form.txt_delay.text)
        step["unit"] = form.dd_unit.selected_value
        step["hour"] = form.dd_hour.selected_value
        step["content"] = form.mail_editor.content

    def _draw(self):
        form, nodes = self.form, self.form.dom_nodes
        nodes["no_steps"].hidden = bool(self.steps)
        nodes["step_box"].hidden = self.chosen is None
        form.rp_steps.items = [
            {
                "step": step,
                "place": place,
                "count": len(self.steps),
                "is_chosen": place == self.chosen,
                "may": self.may,
                "figures": self.figures.get(step["step_id"]),
            }
            for place, step in enumerate(self.steps)
        ]
        if self.chosen is not None:
            weekdays = self.steps[self.chosen]["weekdays"]
            for button in list(nodes["days"].querySelectorAll("button")):
                day = int(button.getAttribute("data-day"))
                is_on = not weekdays or day in weekdays
                button.setAttribute("aria-pressed", "true" if is_on else "false")
                button.disabled = not self.may

    def _make_days(self):
        for day, name in enumerate(campaign_texts.DAY_NAMES):
            button = document.createElement("button")
            button.type = "button"
            button.textContent = name
            button.setAttribute("data-day", str(day))
            self.form.dom_nodes["days"].append(button)

    def press_day(self, day):
        """Switch a weekday on or off; all seven are the same as none."""
        self._keep()
        step = self.steps[self.chosen]
        days = list(step["weekdays"]) or list(range(7))
        days = [one for one in days if one != day] if day in days else sorted(days + [day])
        step["weekdays"] = [] if len(days) in (0, 7) else days
        self._draw()

    def _mail_changed(self, **event_args):
        self._keep()

    def _timing_changed(self, sender, **event_args):
        form_fields.clear_error(sender)
        self._keep()
        self._draw()

    # Their order.

    def _choose(self, place, **event_args):
        self._keep()
        self._open(place)

    def _add(self, **event_args):
        self._keep()
        self.steps.append(campaign_texts.new_step(not self.steps))
        self._open(len(self.steps) - 1)

    def _move(self, place, by, **event_args):
        self._keep()
        self.steps.insert(place + by, self.steps.pop(place))
        self._open(place + by)

    def _remove(self, place, **event_args):
        self._keep()
        self.chosen = None
        self.steps.pop(place)
        if self.steps:
            self._open(min(place, len(self.steps) - 1))
        else:
            self._draw()
