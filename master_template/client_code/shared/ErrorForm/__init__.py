from ._anvil_designer import ErrorFormTemplate


class ErrorForm(ErrorFormTemplate):
    """One message that ends a way: `heading` and `text`."""

    def __init__(self, heading="This did not work", text="", **properties):
        self.init_components(**properties)
        self.dom_nodes["heading"].textContent = heading
        self.dom_nodes["text"].textContent = text
