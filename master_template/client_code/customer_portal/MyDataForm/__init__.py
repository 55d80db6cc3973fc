from ._anvil_designer import MyDataFormTemplate

from anvil import Notification, handle, media

from ...shared import api, navigation_helpers
from ..guard import require_customer


class MyDataForm(MyDataFormTemplate):
    """What is kept about a customer: to take away, and to have erased."""

    def __init__(self, **properties):
        navigation_helpers.arrive("/app/account/data", "My data")
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "account")

    @handle("", "show")
    def form_show(self, **event_args):
        if require_customer():
            self.erasure_panel.load()

    @handle("btn_json", "click")
    def btn_json_click(self, **event_args):
        self._download("json")

    @handle("btn_csv", "click")
    def btn_csv_click(self, **event_args):
        self._download("csv")

    def _download(self, kind):
        self.btn_json.enabled = self.btn_csv.enabled = False
        try:
            answer = api.call("export_my_data", kind)
        except api.ApiError as error:
            Notification(error.message, title="Not downloaded", style="danger").show()
            return
        finally:
            self.btn_json.enabled = self.btn_csv.enabled = True
        media.download(answer["file"])

    def back_click(self, event):
        navigation_helpers.follow(event, "/app/account")
