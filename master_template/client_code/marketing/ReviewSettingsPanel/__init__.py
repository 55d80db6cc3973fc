from ._anvil_designer import ReviewSettingsPanelTemplate

from anvil import handle

from ...shared import api
from ...shared.editing import Editor

COMPONENTS = {"delay_days": "txt_delay_days"}


class ReviewSettingsPanel(ReviewSettingsPanelTemplate):
    """Whether customers are asked by themselves, and when."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.editor = Editor(
            self,
            COMPONENTS,
            fetch=self._fetch,
            show=self._show,
            read=self._read,
            store=self._store,
            needs="marketing.manage",
            what="The settings",
        )
        self.sw_automatic.enabled = self.editor.may
        self.sw_automatic.accessible_name = "Ask customers by itself"

    def load(self):
        """Read the settings and show them."""
        self.editor.load()

    def _fetch(self):
        return api.call_quietly("get_review_settings")

    def _store(self, values, version):
        return api.call("update_review_settings", values, version)

    def _show(self, answer):
        self.sw_automatic.selected = answer["settings"]["is_automatic"]
        self.txt_delay_days.text = answer["settings"]["delay_days"]
        self._show_delay()

    def _read(self):
        return {
            "is_automatic": bool(self.sw_automatic.selected),
            "delay_days": self.txt_delay_days.text,
        }

    def _show_delay(self):
        self.dom_nodes["delay"].hidden = not self.sw_automatic.selected

    @handle("sw_automatic", "change")
    def sw_automatic_change(self, **event_args):
        self._show_delay()
