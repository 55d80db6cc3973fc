from ._anvil_designer import MainTemplate


class Main(MainTemplate):
    """Shows one line. A benchmark calls its functions from the page's console."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self.lbl_ready.text = "Ready"
