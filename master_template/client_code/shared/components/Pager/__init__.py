from ._anvil_designer import PagerTemplate


class Pager(PagerTemplate):
    """Which part of a list is seen, and the way to the next; a `Listing` says what it shows."""

    def __init__(self, **properties):
        self.init_components(**properties)
