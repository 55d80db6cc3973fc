from ._anvil_designer import ImportColumnRowTemplate

from anvil import handle

LEFT_OUT = "-"


class ImportColumnRow(ImportColumnRowTemplate):
    """One column of an uploaded file: its heading, some of what stands in it, and what it is."""

    def __init__(self, **properties):
        self.init_components(**properties)
        column, nodes = self.item, self.dom_nodes
        nodes["name"].textContent = column["name"]
        samples = column["samples"]
        nodes["samples"].textContent = "  ·  ".join(samples) if samples else "Nothing in these rows"
        items = [(text, name) for name, text in column["fields"]]
        self.dd_field.items = [("Leave out", LEFT_OUT)] + items
        self.dd_field.accessible_name = "What the column {} is".format(column["name"])
        self.dd_field.selected_value = column["field"] or LEFT_OUT
        self._mark()

    def _mark(self):
        self.dom_nodes["row"].classList.toggle("left-out", not self.item["field"])

    @handle("dd_field", "change")
    def dd_field_change(self, **event_args):
        value = self.dd_field.selected_value
        self.item["field"] = "" if value in (None, LEFT_OUT) else value
        self._mark()
        self.parent.raise_event("x-change")
