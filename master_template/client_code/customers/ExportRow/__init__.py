from ._anvil_designer import ExportRowTemplate

from anvil import handle

from ...shared import formatting

STATES = {"working": "Being made", "ready": "Ready", "failed": "Not made"}


class ExportRow(ExportRowTemplate):
    """One file that was asked for (events `x-download` and `x-delete` of the panel)."""

    def __init__(self, **properties):
        self.init_components(**properties)
        entry, nodes = self.item, self.dom_nodes
        nodes["name"].textContent = entry["file_name"]
        is_ready = entry["state"] == "ready"
        if entry["state"] == "working":
            text = "{} of {}".format(
                formatting.number(entry["done_rows"]),
                formatting.plural(entry["total_rows"], "contact", "contacts"),
            )
        elif is_ready:
            text = "{} · until {}".format(
                formatting.plural(entry["total_rows"], "contact", "contacts"),
                formatting.day_and_time(entry["expires_at"]),
            )
        else:
            text = entry["error"] or ""
        nodes["about"].textContent = text
        nodes["state"].textContent = STATES[entry["state"]]
        self.btn_download.visible = is_ready
        self.btn_download.tooltip = "Download " + entry["file_name"]
        self.btn_delete.tooltip = "Delete " + entry["file_name"]

    @handle("btn_download", "click")
    def btn_download_click(self, **event_args):
        self.parent.raise_event("x-download", export_id=self.item["export_id"])

    @handle("btn_delete", "click")
    def btn_delete_click(self, **event_args):
        self.parent.raise_event("x-delete", export_id=self.item["export_id"])
