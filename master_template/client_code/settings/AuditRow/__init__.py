from ._anvil_designer import AuditRowTemplate

from anvil.js.window import document

from ...shared import formatting, navigation_helpers, session
from .. import audit_texts

SHOWN_FIELDS = 3


class AuditRow(AuditRowTemplate):
    """One entry of the audit log: a line that opens to what changed."""

    def __init__(self, **properties):
        self.init_components(**properties)
        entry = self.item
        nodes = self.dom_nodes
        self.path = ""
        nodes["time"].textContent = formatting.day_and_time(entry["logged_at"])
        nodes["what"].textContent = audit_texts.headline(entry)
        nodes["thing_id"].textContent = self._summary(entry)
        nodes["who"].textContent = audit_texts.person_name(entry["person"])
        nodes["who"].title = audit_texts.person_name(entry["person"])
        for change in entry["changes"]:
            self._add_change(change)
        nodes["changes"].hidden = not entry["changes"]
        for detail in entry["details"]:
            value = audit_texts.value_text(detail["field"], detail["value"])
            self._add_fact(audit_texts.field_name(detail["field"]), value)
        nodes["hidden_note"].hidden = not entry["is_hidden"]
        is_empty = not entry["changes"] and not entry["details"] and not entry["is_hidden"]
        nodes["empty_note"].hidden = not is_empty
        if entry["ip_address"]:
            self._add_fact("IP address", entry["ip_address"])
        self._link(entry)

    def _summary(self, entry):
        """Which one it was, and what of it changed: `C-12 · Phone, Status`."""
        parts = []
        if entry["resource_id"] and entry["resource_id"] != entry["person"]:
            parts.append(entry["resource_id"])
        if entry["action"] == "update":
            names = [audit_texts.field_name(change["field"]) for change in entry["changes"]]
            shown = ", ".join(names[:SHOWN_FIELDS])
            more = len(names) - SHOWN_FIELDS
            parts.append(shown + (" + {}".format(more) if more > 0 else ""))
        return " · ".join([part for part in parts if part])

    def _add_change(self, change):
        row = document.createElement("tr")
        field = change["field"]
        texts = [audit_texts.field_name(field)]
        texts += [audit_texts.value_text(field, change[name]) for name in ("before", "after")]
        for text, label in zip(texts, ("", "Before", "After")):
            cell = document.createElement("td" if label else "th")
            cell.textContent = text
            if label:
                cell.setAttribute("data-label", label)
            else:
                cell.setAttribute("scope", "row")
            row.appendChild(cell)
        self.dom_nodes["change_rows"].appendChild(row)

    def _add_fact(self, name, text):
        for tag, content in (("dt", name), ("dd", text)):
            node = document.createElement(tag)
            node.textContent = content
            self.dom_nodes["facts"].appendChild(node)

    def _link(self, entry):
        number = entry["resource_id"] or ""
        is_contact = entry["resource_type"] == "contact" and number.startswith("C-")
        if is_contact and session.may("customers.view"):
            self.path = "/app/contacts/" + number
            link = self.dom_nodes["link"]
            link.href = self.path
            link.textContent = "Open " + number
            link.hidden = False

    def link_click(self, event):
        navigation_helpers.follow(event, self.path)
