from ._anvil_designer import ColleagueBoxTemplate

from anvil import handle


class ColleagueBox(ColleagueBoxTemplate):
    """A colleague to tick; `item`: `name`, `on` and `changed(user_id, on)` with `user_id`."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.cb_colleague.text = self.item["name"]
        self.cb_colleague.checked = self.item["on"]

    @handle("cb_colleague", "change")
    def cb_colleague_change(self, **event_args):
        self.item["changed"](self.item["user_id"], bool(self.cb_colleague.checked))
