from ._anvil_designer import PermissionRowTemplate

from anvil import handle


class PermissionRow(PermissionRowTemplate):
    """What someone may do in one area: see it, and change things in it.

    `item`: `title`, `text`, `view` and `manage` (each `{"on", "may_change"}`, `manage` or None),
    and `changed(area, view, manage)`.
    """

    def __init__(self, **properties):
        self.init_components(**properties)
        item = self.item
        self.dom_nodes["title"].textContent = item["title"]
        self.dom_nodes["text"].textContent = item["text"]
        self.cb_view.checked = item["view"]["on"]
        self.cb_view.enabled = item["view"]["may_change"]
        self.cb_view.accessible_name = item["title"] + ": see"
        manage = item["manage"]
        self.cb_manage.visible = manage is not None
        if manage is not None:
            self.cb_manage.checked = manage["on"]
            self.cb_manage.enabled = manage["may_change"]
            self.cb_manage.accessible_name = item["title"] + ": change"

    @handle("cb_view", "change")
    def cb_view_change(self, **event_args):
        # Whoever may not see an area has nothing to change in it.
        if not self.cb_view.checked and self.cb_manage.checked and self.cb_manage.enabled:
            self.cb_manage.checked = False
        self._tell()

    @handle("cb_manage", "change")
    def cb_manage_change(self, **event_args):
        if self.cb_manage.checked and self.cb_view.enabled:
            self.cb_view.checked = True
        self._tell()

    def _tell(self):
        self.item["changed"](
            self.item["area"], bool(self.cb_view.checked), bool(self.cb_manage.checked)
        )
