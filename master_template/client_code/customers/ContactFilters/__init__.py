from ._anvil_designer import ContactFiltersTemplate

import datetime

from anvil import handle

from ...shared import currencies, session

TAG_FIELDS = {"tags_any": "any_tags", "tags_all": "all_tags", "tags_none": "no_tags"}
DAY_FIELDS = {
    "added_from": "dp_added_from",
    "added_to": "dp_added_to",
    "contacted_from": "dp_contacted_from",
    "contacted_to": "dp_contacted_to",
}
MONEY_FIELDS = {"spent_min_cents": "txt_spent_min", "spent_max_cents": "txt_spent_max"}
OPTED_IN_ITEMS = [("Any", None), ("Has agreed", "yes"), ("Has not agreed", "no")]
ANY_SOURCE = [("Any source", None)]
ANY_SEGMENT = [("Any segment", None)]


class ContactFilters(ContactFiltersTemplate):
    """The filters of the contacts that are not needed every day: tags, dates, spend, segment.

    `values` has the keys of the server's query; event `change` tells of what a person did.
    `has_marketing` shows the filter for who has agreed to marketing.
    """

    def __init__(self, **properties):
        self.init_components(**properties)
        self.dd_opted_in.items = OPTED_IN_ITEMS
        self.dd_segment.items = ANY_SEGMENT
        self.dd_source.items = ANY_SOURCE
        currency = session.business()["currency"]
        self.txt_spent_min.label = "Spent at least, {}".format(currency)
        self.txt_spent_max.label = "Spent at most, {}".format(currency)
        self._scale = 10 ** currencies.minor_digits(currency)
        for name in list(DAY_FIELDS.values()) + list(TAG_FIELDS.values()):
            getattr(self, name).set_event_handler("change", self._changed)
        for name in MONEY_FIELDS.values():
            getattr(self, name).set_event_handler("pressed_enter", self._changed)
            getattr(self, name).set_event_handler("lost_focus", self._changed)
        self._told = self.values

    @property
    def has_marketing(self):
        return self.dd_opted_in.visible

    @has_marketing.setter
    def has_marketing(self, value):
        self.dd_opted_in.visible = bool(value)
        self.dom_nodes["gap"].hidden = bool(value)  # so that days stay side by side

    def offer(self, tags, segments, sources):
        """What there is to choose from: names of tags; (text, value) of segments and sources."""
        for name in TAG_FIELDS.values():
            getattr(self, name).items = tags
        segment, source = self.dd_segment.selected_value, self.dd_source.selected_value
        self.dd_segment.items = ANY_SEGMENT + segments
        self.dd_source.items = ANY_SOURCE + sources
        self.dd_segment.selected_value, self.dd_source.selected_value = segment, source

    @property
    def values(self):
        """What is filtered for, without what is not."""
        found = {}
        for field, name in TAG_FIELDS.items():
            found[field] = getattr(self, name).tags
        for field, name in DAY_FIELDS.items():
            day = getattr(self, name).date
            found[field] = day.strftime("%Y-%m-%d") if day else None
        for field, name in MONEY_FIELDS.items():
            found[field] = self._cents(getattr(self, name))
        chosen = self.dd_opted_in.selected_value
        found["opted_in"] = None if chosen is None else chosen == "yes"
        found["segment"] = self.dd_segment.selected_value
        found["source"] = self.dd_source.selected_value
        kept = {}
        for field, value in found.items():
            if value is not None and value != []:
                kept[field] = value
        return kept

    @values.setter
    def values(self, given):
        for field, name in TAG_FIELDS.items():
            getattr(self, name).tags = given.get(field) or []
        for field, name in DAY_FIELDS.items():
            getattr(self, name).date = _day_of(given.get(field))
        for field, name in MONEY_FIELDS.items():
            cents = given.get(field)
            getattr(self, name).text = "" if cents is None else self._text(cents)
        opted_in = given.get("opted_in")
        words = {True: "yes", False: "no"}
        self.dd_opted_in.selected_value = words.get(opted_in)
        self.dd_segment.selected_value = given.get("segment")
        self.dd_source.selected_value = given.get("source")
        self._told = self.values

    def _cents(self, field):
        text = (field.text or "").strip().replace(" ", "").replace(",", ".")
        field.error = False
        field.supporting_text = ""
        if not text:
            return None
        try:
            amount = float(text)
        except ValueError:
            amount = -1
        if amount < 0 or amount > 1e10:
            field.error = True
            field.supporting_text = "An amount like 250 or 99.50"
            return None
        return int(round(amount * self._scale))

    def _text(self, cents):
        whole = cents // self._scale
        return str(whole) if cents == whole * self._scale else str(cents / float(self._scale))

    def _changed(self, *args, **event_args):
        now = self.values
        if now != self._told:
            self._told = now
            self.raise_event("change")

    @handle("dd_opted_in", "change")
    @handle("dd_segment", "change")
    @handle("dd_source", "change")
    def dropdown_change(self, **event_args):
        self._changed()


def _day_of(text):
    """The date of `2026-03-31`; None of what is no such text."""
    try:
        year, month, day = [int(part) for part in (text or "").split("-")]
        return datetime.date(year, month, day)
    except ValueError:
        return None
