from ._anvil_designer import AlertRowTemplate

from anvil import handle

from master_template.shared import api, formatting, navigation_helpers, session

SEVERITY_NAMES = {"critical": "Critical", "warning": "Warning", "info": "Notice"}


class AlertRow(AlertRowTemplate):
    """One alert: what is wrong, what to do, and who sees to it."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self._show(self.item)

    def _show(self, alert):
        nodes = self.dom_nodes
        nodes["severity"].textContent = SEVERITY_NAMES[alert["severity"]]
        nodes["severity"].className = "mb-chip mc-" + alert["severity"]
        nodes["text"].textContent = alert["text"]
        nodes["next_step"].textContent = alert["next_step"] or ""
        nodes["runbook"].textContent = alert["runbook"] or ""
        link = nodes["instance"]
        link.hidden = not alert["instance"]
        link.textContent = alert["instance"] or ""
        link.href = "/app/fleet/" + (alert["instance"] or "")
        nodes["when"].textContent = self._when(alert)
        seen = nodes["seen"]
        seen.hidden = alert["acknowledged_at"] is None
        if alert["acknowledged_at"] is not None:
            note = ": " + alert["note"] if alert["note"] else ""
            seen.textContent = "{} sees to it since {}{}".format(
                alert["acknowledged_by"], formatting.ago(alert["acknowledged_at"]), note
            )
        self.btn_seen.visible = alert["state"] == "open" and session.may("alerts.manage")

    def _when(self, alert):
        if alert["ended_at"] is None:
            return "since " + formatting.ago(alert["began_at"])
        return "{} to {}".format(
            formatting.day_and_time(alert["began_at"]), formatting.day_and_time(alert["ended_at"])
        )

    @handle("btn_seen", "click")
    def btn_seen_click(self, **event_args):
        from ..NoteDialog import ask_note

        note = ask_note(self.item["text"])
        if note is None:
            return
        nodes = self.dom_nodes
        try:
            answer = api.call("acknowledge_alert", self.item["alert_id"], note)
        except api.ApiError as error:
            nodes["refusal"].textContent = error.message
            return
        self._show(answer["alert"])

    def instance_click(self, event):
        navigation_helpers.follow(event, "/app/fleet/" + self.item["instance"])
