from ._anvil_designer import ImportPlanPanelTemplate

from anvil import handle

from ...shared import api, form_fields, formatting

DELIMITERS = [
    ("Comma  ,", "comma"),
    ("Semicolon  ;", "semicolon"),
    ("Tab", "tab"),
    ("Bar  |", "bar"),
]
COMPONENTS = {
    "tags": "txt_tags",
    "segment": "dd_segment",
    "status": "dd_status",
    "date_order": "dd_dates",
    "consent_evidence": "txt_evidence",
}
NO_SEGMENT = "-"
SAMPLES = 3


class ImportPlanPanel(ImportPlanPanelTemplate):
    """What the columns of an uploaded file are, and what shall become of the people in it.

    `show(entry)` fills it from an import; `plan()` gives what is chosen, as the server takes it.
    Event `x-reread` has the `shape` by which the file shall be read anew.
    """

    def __init__(self, **properties):
        self.entry = None
        self.init_components(**properties)
        form_fields.remember_hints(self, COMPONENTS)
        for name in COMPONENTS.values():
            getattr(self, name).add_event_handler("change", self._field_change)
        self.dd_delimiter.items = DELIMITERS
        names = formatting.STATUS_NAMES
        self.dd_status.items = [(names[word], word) for word in ("lead", "customer", "inactive")]
        self.dd_dates.items = [("Day first: 31/12/2026", "dmy"), ("Month first: 12/31/2026", "mdy")]
        self.rp_columns.set_event_handler("x-change", self._columns_change)

    def show(self, entry, segments):
        """Fill in an import; `segments` are pairs of name and id of the hand-picked ones."""
        self.entry = entry
        shape, plan = entry["shape"], entry["plan"] or {}
        is_text = shape["kind"] == "csv"
        self.dd_encoding.items = [(text, name) for name, text in entry["encodings"]]
        self.dd_encoding.visible = self.dd_delimiter.visible = is_text
        self.dd_sheet.visible = len(entry["sheets"]) > 1
        self.dd_sheet.items = entry["sheets"]
        if is_text:
            self.dd_encoding.selected_value = shape["encoding"]
            self.dd_delimiter.selected_value = shape["delimiter"]
        else:
            self.dd_sheet.selected_value = shape["sheet"]
        self.cb_header.checked = shape["has_header"]
        self._show_columns()
        self.rg_duplicates.selected_value = plan.get("on_duplicate") or "fill"
        self.rg_match.selected_value = plan.get("match_by") or "email"
        self.rg_consent.selected_value = plan.get("consent") or "none"
        self.txt_evidence.text = plan.get("consent_evidence") or ""
        self.txt_tags.text = ", ".join(plan.get("tags") or [])
        self.dd_status.selected_value = plan.get("status") or "lead"
        self.dd_dates.selected_value = plan.get("date_order") or "dmy"
        self.dd_segment.items = [("None", NO_SEGMENT)] + segments
        self.dd_segment.selected_value = plan.get("segment") or NO_SEGMENT
        self.dd_segment.visible = bool(segments)
        self._columns_change()
        self.rg_consent_change()

    def _show_columns(self):
        entry = self.entry
        columns = []
        for index, name in enumerate(entry["header"]):
            found = []
            for _line, cells in entry["preview"]:
                if index < len(cells) and cells[index].strip() and len(found) < SAMPLES:
                    found.append(cells[index].strip())
            columns.append(
                {
                    "name": name,
                    "samples": found,
                    "field": entry["mapping"][index],
                    "fields": entry["fields"],
                }
            )
        self.columns = columns
        self.rp_columns.items = columns

    def plan(self):
        """What is chosen."""
        segment = self.dd_segment.selected_value
        return {
            "mapping": [column["field"] for column in self.columns],
            "on_duplicate": self.rg_duplicates.selected_value,
            "match_by": self.rg_match.selected_value,
            "consent": self.rg_consent.selected_value,
            "consent_evidence": self.txt_evidence.text or "",
            "tags": [tag.strip() for tag in (self.txt_tags.text or "").split(",") if tag.strip()],
            "segment": None if segment in (None, NO_SEGMENT) else segment,
            "status": self.dd_status.selected_value,
            "date_order": self.dd_dates.selected_value,
        }

    def show_faults(self, fields):
        """Show each message at its field; give those that belong to none."""
        return form_fields.show_errors(self, COMPONENTS, fields)

    def _field_change(self, sender, **event_args):
        form_fields.clear_error(sender)

    def _columns_change(self, **event_args):
        fields = [column["field"] for column in self.columns]
        self.dd_dates.visible = "date_added" in fields
        used = len([field for field in fields if field])
        self.dom_nodes["used"].textContent = "{} of {} used".format(used, len(fields))

    @handle("rg_consent", "change")
    def rg_consent_change(self, **event_args):
        self.dom_nodes["evidence"].hidden = self.rg_consent.selected_value == "none"

    def _reread(self):
        shape = {"has_header": self.cb_header.checked}
        chosen = {
            "encoding": self.dd_encoding,
            "delimiter": self.dd_delimiter,
            "sheet": self.dd_sheet,
        }
        for name, component in chosen.items():
            if component.visible:
                shape[name] = component.selected_value
        self.raise_event("x-reread", shape=shape)

    @handle("dd_encoding", "change")
    def dd_encoding_change(self, **event_args):
        self._reread()

    @handle("dd_delimiter", "change")
    def dd_delimiter_change(self, **event_args):
        self._reread()

    @handle("dd_sheet", "change")
    def dd_sheet_change(self, **event_args):
        self._reread()

    @handle("cb_header", "change")
    def cb_header_change(self, **event_args):
        self._reread()


def hand_picked_segments():
    """(name, id) of the segments that people can be put into; none where they cannot be read."""
    try:
        answer = api.call_quietly("list_segments", segment_type="static", page_size=100)
    except api.ApiError:
        return []
    return [(each["segment_name"], each["segment_id"]) for each in answer["segments"]]
