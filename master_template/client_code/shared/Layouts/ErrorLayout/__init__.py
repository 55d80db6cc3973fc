from ._anvil_designer import ErrorLayoutTemplate


class ErrorLayout(ErrorLayoutTemplate):
    """Around a message that something is not as it should be, with the way back."""

    def __init__(self, **properties):
        self.init_components(**properties)
