from ._anvil_designer import ActivityFeedTemplate

from anvil import handle

from ...shared import api

MORE = 100  # as many as the server gives at once


class ActivityFeed(ActivityFeedTemplate):
    """What happened lately with anyone: `show` what came with the dashboard, more when asked."""

    def __init__(self, **properties):
        self._days = 30
        self.init_components(**properties)

    def show(self, events, days, page):
        """`events` of the last `days`, newest first; a full `page` means that there may be more."""
        self._days = days
        self.timeline.events = events
        nodes = self.dom_nodes
        nodes["quiet"].textContent = "Nothing in the last {} days.".format(days)
        nodes["quiet"].hidden = bool(events)
        nodes["error"].hidden = True
        self.btn_more.visible = len(events) >= page

    @handle("btn_more", "click")
    def btn_more_click(self, **event_args):
        self.btn_more.enabled = False
        try:
            answer = api.call("get_recent_activity", days=self._days, limit=MORE)
        except api.ApiError as error:
            self.dom_nodes["error_text"].textContent = error.message
            self.dom_nodes["error"].hidden = False
            return
        finally:
            self.btn_more.enabled = True
        self.show(answer["activity"], self._days, MORE + 1)
