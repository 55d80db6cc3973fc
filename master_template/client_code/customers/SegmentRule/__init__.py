from ._anvil_designer import SegmentRuleTemplate

from anvil import handle

from ...shared import form_fields, formatting
from ..segment_texts import as_cents, as_units, clean_words

# Kind of value -> the inputs that take it.
INPUTS = {
    "none": [],
    "text": ["txt_value"],
    "number": ["txt_value"],
    "money": ["txt_value"],
    "days": ["txt_value"],
    "numbers": ["txt_value", "txt_to"],
    "amounts": ["txt_value", "txt_to"],
    "day": ["dp_from"],
    "period": ["dp_from", "dp_to"],
    "words": ["txt_value"],
    "choices": ["chips"],
}
LABELS = {
    "text": "Text",
    "number": "Number",
    "money": "Amount",
    "days": "Days",
    "numbers": "From",
    "amounts": "From",
    "words": "One or more",
}
CHOSEN = ("choice", "tags", "birthday")  # Kinds of fields whose words are chosen.
COMPONENTS = {"field": "pick_field", "operator": "dd_operator", "value": "txt_value"}


class SegmentRule(SegmentRuleTemplate):
    """One rule of a segment: what it looks at, how, and with what. Nothing has to be typed that can
    be chosen. `words` has the `fields` that there are and the `tags` in use; event `x-change` tells
    of a change, `x-remove` asks to be taken out."""

    def __init__(self, words, rule, may, **properties):
        self.words = words
        self.fields = dict((field["name"], field) for field in words["fields"])
        self.may = may
        self.init_components(**properties)
        items = []
        for field in words["fields"]:
            items.append((field["label"], field["name"], field["group"]))
        self.pick_field.items = items
        self.btn_remove.visible = may
        for name in ("pick_field", "dd_operator", "chips", "txt_value", "txt_to"):
            getattr(self, name).enabled = may
        self.dp_from.enabled = self.dp_to.enabled = may
        self.show(rule)

    def show(self, rule):
        """Put a rule into the inputs; None for a new one."""
        rule = rule or {}
        self.pick_field.selected_value = rule.get("field")
        self._offer_operators(rule.get("operator"))
        value, kind = rule.get("value"), self._kind()
        if kind == "choices":
            self.chips.values = value or []
        elif kind == "words":
            self.txt_value.text = ", ".join(value or [])
        elif kind == "money":
            self.txt_value.text = as_units(value)
        elif kind == "amounts":
            self.txt_value.text, self.txt_to.text = [as_units(each) for each in value]
        elif kind == "numbers":
            self.txt_value.text, self.txt_to.text = [str(each) for each in value]
        elif kind == "day":
            self.dp_from.date = value
        elif kind == "period":
            self.dp_from.date, self.dp_to.date = value
        elif kind != "none":
            self.txt_value.text = "" if value is None else str(value)

    def read(self):
        """The rule as the server takes it, as far as it goes."""
        rule = {
            "field": self.pick_field.selected_value,
            "operator": self.dd_operator.selected_value,
        }
        kind = self._kind()
        if kind == "choices":
            rule["value"] = self.chips.values
        elif kind == "words":
            rule["value"] = clean_words(self.txt_value.text)
        elif kind == "money":
            rule["value"] = as_cents(self.txt_value.text)
        elif kind == "amounts":
            rule["value"] = [as_cents(self.txt_value.text), as_cents(self.txt_to.text)]
        elif kind in ("number", "days"):
            rule["value"] = _as_number(self.txt_value.text)
        elif kind == "numbers":
            rule["value"] = [_as_number(self.txt_value.text), _as_number(self.txt_to.text)]
        elif kind == "day":
            rule["value"] = _as_day(self.dp_from.date)
        elif kind == "period":
            rule["value"] = [_as_day(self.dp_from.date), _as_day(self.dp_to.date)]
        elif kind == "text":
            rule["value"] = self.txt_value.text or ""
        return rule

    def show_faults(self, faults):
        """Show the messages of `field`, `operator` and `value` where they belong."""
        message = faults.get("value", "")
        is_text = "txt_value" in INPUTS[self._kind()]
        shown = dict(faults)
        if not is_text:
            shown.pop("value", None)
        form_fields.show_errors(self, COMPONENTS, shown)
        self.dom_nodes["fault"].textContent = "" if is_text else message
        self.dom_nodes["fault"].hidden = is_text or not message

    def focus(self):
        """Set the focus to what the rule looks at."""
        self.pick_field.focus()

    def _field(self):
        return self.fields.get(self.pick_field.selected_value)

    def _kind(self):
        field = self._field()
        if field is None:
            return "none"
        for operator in field["operators"]:
            if operator["name"] == self.dd_operator.selected_value:
                is_chosen = operator["value"] == "words" and field["kind"] in CHOSEN
                return "choices" if is_chosen else operator["value"]
        return "none"

    def _offer_operators(self, chosen):
        """The operators of the chosen field; one that it has not gives way to its first."""
        field = self._field()
        operators = field["operators"] if field else []
        names = [operator["name"] for operator in operators]
        self.dd_operator.items = [(each["label"], each["name"]) for each in operators]
        if chosen not in names:
            chosen = names[0] if names else None
        self.dd_operator.selected_value = chosen
        self.dd_operator.visible = field is not None
        if field and field["kind"] in CHOSEN:
            self.chips.items = self._choices(field)
            self.chips.label = field["label"]
        self._show_inputs()

    def _choices(self, field):
        if field["kind"] == "tags":
            return [(tag, tag) for tag in self.words["tags"]]
        names = {}
        for known in (
            formatting.STATUS_NAMES,
            formatting.LIFECYCLE_NAMES,
            formatting.SOURCE_NAMES,
        ):
            names.update(known)
        return [
            (names.get(word, word.replace("_", " ").capitalize()), word)
            for word in field["options"]
        ]

    def _show_inputs(self):
        kind = self._kind()
        for name in ("chips", "txt_value", "txt_to", "dp_from", "dp_to"):
            getattr(self, name).visible = name in INPUTS[kind]
        is_number = kind in ("number", "numbers", "days")
        self.txt_value.type = self.txt_to.type = "number" if is_number else "text"
        self.txt_value.label = LABELS.get(kind, "Value")
        self.txt_to.label = "To"
        hint = "Separate several by commas" if kind == "words" else ""
        self.txt_value.supporting_text = self.txt_value.tag = hint
        self.txt_value.error = False
        self.dp_from.label = "From" if kind == "period" else "Day"
        self.dom_nodes["fault"].hidden = True

    @handle("pick_field", "change")
    def pick_field_change(self, **event_args):
        form_fields.clear_error(self.pick_field)
        self.txt_value.text = self.txt_to.text = ""
        self.chips.values = []
        self._offer_operators(None)
        self.raise_event("x-change")

    @handle("dd_operator", "change")
    def dd_operator_change(self, **event_args):
        self._show_inputs()
        self.raise_event("x-change")

    @handle("txt_value", "change")
    @handle("txt_to", "change")
    @handle("chips", "change")
    @handle("dp_from", "change")
    @handle("dp_to", "change")
    def value_change(self, sender, **event_args):
        if sender is self.txt_value:
            form_fields.clear_error(sender)
        self.dom_nodes["fault"].hidden = True
        self.raise_event("x-change")

    @handle("btn_remove", "click")
    def btn_remove_click(self, **event_args):
        self.raise_event("x-remove")


def _as_number(text):
    """A whole number, or what was typed, for the server to say what is wrong with it."""
    text = str(text if text is not None else "").strip()
    return int(text) if text.isdigit() else text or None


def _as_day(value):
    if value is None or isinstance(value, str):
        return value
    return value.strftime("%Y-%m-%d")
