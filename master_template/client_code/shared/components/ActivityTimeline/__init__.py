from ._anvil_designer import ActivityTimelineTemplate


class ActivityTimeline(ActivityTimelineTemplate):
    """What happened, newest first: `events` as the server's timeline gives them.

    With `show_contact` each event says with whom, and leads there.
    """

    def __init__(self, **properties):
        self._events = []
        self._show_contact = False
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        self._draw()

    def _draw(self):
        if self._ready:
            last = len(self._events) - 1
            self.rp_events.items = [
                dict(event, show_contact=self._show_contact, is_last=i == last)
                for i, event in enumerate(self._events)
            ]

    @property
    def events(self):
        return self._events

    @events.setter
    def events(self, value):
        self._events = value or []
        self._draw()

    @property
    def show_contact(self):
        return self._show_contact

    @show_contact.setter
    def show_contact(self, value):
        self._show_contact = bool(value)
        self._draw()
