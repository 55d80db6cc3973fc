from ._anvil_designer import ErasedFormTemplate

from anvil import handle

from ...shared import navigation_helpers, session


class ErasedForm(ErasedFormTemplate):
    """Says good-bye to someone whose account is erased."""

    def __init__(self, kept_for_tax=False, **properties):
        navigation_helpers.arrive("/app/erased", "Your account is erased")
        self.init_components(**properties)
        self.dom_nodes["tax"].hidden = not kept_for_tax

    @handle("", "show")
    def form_show(self, **event_args):
        if session.user():
            navigation_helpers.navigate_to_dashboard()
