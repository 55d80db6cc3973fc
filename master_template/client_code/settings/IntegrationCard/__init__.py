from ._anvil_designer import IntegrationCardTemplate

from anvil import handle

from ...shared import api, formatting, session
from ...shared.components.ConfirmationDialog import confirm


class IntegrationCard(IntegrationCardTemplate):
    """One outside service: whether it works, and its fields while they are edited.

    `item` has the `integration` as `list_integrations` says, and `remember(card)`, by which the
    page knows its cards.
    """

    def __init__(self, **properties):
        self.is_open = False
        self.init_components(**properties)
        self.item["remember"](self)
        self.show_integration(self.item["integration"])

    def show_integration(self, integration):
        """Show how things are now, with the fields closed."""
        self.integration = integration
        nodes = self.dom_nodes
        title = integration["title"]
        nodes["title"].textContent = title
        nodes["mark"].textContent = formatting.initials(title)
        nodes["text"].textContent = integration["text"]
        self._show_chip()
        nodes["saved"].textContent = self._saved_text()
        nodes["saved"].hidden = not integration["is_connected"]
        self._show_result(integration["is_working"], integration["message"])
        may_change = session.may("settings.manage")
        self.btn_open.text = "Change" if integration["is_connected"] else "Connect"
        self.btn_open.accessible_name = self.btn_open.text + " " + title
        self.btn_open.appearance = "text" if integration["is_connected"] else "tonal"
        self.btn_open.visible = may_change
        self.btn_test.visible = may_change and integration["is_connected"]
        self.btn_test.accessible_name = "Test " + title
        self.btn_disconnect.visible = integration["is_connected"]
        self._open(False)

    def _show_chip(self):
        integration = self.integration
        if not integration["is_connected"]:
            text, kind = "Not connected", ""
        elif integration["is_working"] is None:
            text, kind = "Not tested", "lead"
        elif integration["is_working"]:
            text, kind = "Works", "active"
        else:
            text, kind = "Does not work", "lost"
        chip = self.dom_nodes["chip"]
        chip.textContent = text
        chip.className = "mb-chip " + kind

    def _saved_text(self):
        integration = self.integration
        if not integration["is_connected"]:
            return ""
        who = " by " + integration["saved_by"] if integration["saved_by"] else ""
        text = "Set up {}{}".format(formatting.day_and_time(integration["saved_at"]), who)
        if integration["tested_at"]:
            text += " · tested " + formatting.ago(integration["tested_at"])
        return text

    def _show_result(self, is_working, message):
        nodes = self.dom_nodes
        nodes["result"].hidden = not message
        nodes["result_text"].textContent = message or ""
        nodes["result"].classList.toggle("failed", is_working is False)
        nodes["result_icon"].setAttribute("name", "check_circle" if is_working else "error")

    def _open(self, is_open):
        self.is_open = is_open
        nodes = self.dom_nodes
        nodes["editor"].hidden = not is_open
        nodes["buttons"].hidden = is_open
        nodes["problem"].hidden = True
        if not is_open:
            self.rp_fields.items = []
            return
        integration = self.integration
        nodes["help"].textContent = integration["help"]
        nodes["help_link"].hidden = not integration["help_url"]
        nodes["help_link"].href = integration["help_url"] or "#"
        nodes["help_link"].textContent = "Open " + integration["title"]
        may_change = session.may("settings.manage")
        self.rp_fields.items = [
            {"field": field, "may_change": may_change} for field in integration["fields"]
        ]
        self.rp_fields.get_components()[0].focus()

    def is_dirty(self):
        """Whether something is typed that is not saved."""
        return any(field.is_changed for field in self.rp_fields.get_components())

    @handle("btn_open", "click")
    def btn_open_click(self, **event_args):
        self._open(True)

    @handle("btn_cancel", "click")
    def btn_cancel_click(self, **event_args):
        self._open(False)
        self.btn_open.dom_nodes["root"].focus()

    @handle("btn_save", "click")
    def btn_save_click(self, **event_args):
        if self.save():
            self._test()

    def save(self):
        """Send the fields; give whether they are saved."""
        fields = self.rp_fields.get_components()
        values = dict((field.name, field.value) for field in fields)
        self.dom_nodes["problem"].hidden = True
        self.btn_save.enabled = False
        try:
            answer = api.call(
                "update_integration", self.integration["name"], values, self.integration["version"]
            )
        except api.ApiError as error:
            self._show_errors(error)
            return False
        finally:
            self.btn_save.enabled = True
        self.show_integration(answer["integration"])
        return True

    def _show_errors(self, error):
        first = None
        left = dict(error.fields)
        for field in self.rp_fields.get_components():
            message = left.pop(field.name, "")
            field.show_error(message)
            if message and first is None:
                first = field
        if left or not error.fields:
            self._say(" ".join(left.values()) or error.message)
        if first is not None:
            first.focus()

    def _say(self, text):
        self.dom_nodes["problem_text"].textContent = text
        self.dom_nodes["problem"].hidden = not text

    @handle("btn_test", "click")
    def btn_test_click(self, **event_args):
        self._test()

    def _test(self):
        """Ask the service whether it accepts us, and show what it says."""
        self.btn_test.enabled = False
        self.dom_nodes["live"].textContent = "Testing " + self.integration["title"]
        try:
            answer = api.call("test_integration", self.integration["name"])
        except api.ApiError as error:
            self._show_result(False, error.message)
            return
        finally:
            self.btn_test.enabled = True
            self.dom_nodes["live"].textContent = ""
        self.show_integration(answer["integration"])

    @handle("btn_disconnect", "click")
    def btn_disconnect_click(self, **event_args):
        title = self.integration["title"]
        is_sure = confirm(
            "Disconnect {}?".format(title),
            "Its keys are forgotten. What goes through {} stops at once.".format(title),
            "Disconnect",
            is_dangerous=True,
        )
        if not is_sure:
            return
        try:
            answer = api.call("delete_integration", self.integration["name"])
        except api.ApiError as error:
            self._say(error.message)
            return
        self.show_integration(answer["integration"])
