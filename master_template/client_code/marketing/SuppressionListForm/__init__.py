from ._anvil_designer import SuppressionListFormTemplate

from anvil import Notification, handle

from ...shared import api, form_fields, navigation_helpers, session
from ...shared.components.ConfirmationDialog import confirm
from ...shared.listing import Listing
from .. import send_texts

PATH = "/app/suppressions"
HOME = "/app/broadcasts"
COMPONENTS = {"email": "txt_email", "detail": "txt_why"}
WORDS = {
    "one": "address",
    "many": "addresses",
    "none": "Everybody may get your mails",
    "none_text": "Whoever unsubscribes, and every address that does not work, shows here. Nobody "
    "on this list gets marketing any more, whichever way they come back.",
}


class SuppressionListForm(SuppressionListFormTemplate):
    """The addresses that get no marketing, adding one, and taking off what was no decision of the
    person."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "No marketing")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "broadcasts")
        self.dom_nodes["back"].href = HOME
        self.dom_nodes["add"].hidden = not session.may("marketing.manage")
        self.dd_kind.items = [("Any reason", None)] + [
            (text, kind) for kind, text in send_texts.KIND_NAMES.items()
        ]
        form_fields.remember_hints(self, COMPONENTS)
        self.rp_items.set_event_handler("x-lift", self._lift)
        controls = {"search": self.txt_search, "kind": self.dd_kind}
        self.listing = Listing(self, PATH, "list_suppressions", "suppressions", controls, WORDS)

    def back_click(self, event):
        navigation_helpers.follow(event, HOME)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()

    @handle("txt_email", "change")
    def txt_email_change(self, **event_args):
        form_fields.clear_error(self.txt_email)

    @handle("txt_email", "pressed_enter")
    @handle("txt_why", "pressed_enter")
    @handle("btn_add", "click")
    def btn_add_click(self, **event_args):
        try:
            api.call("add_suppression", self.txt_email.text or "", self.txt_why.text or "")
        except api.ApiError as error:
            form_fields.show_errors(self, COMPONENTS, error.fields or {"email": error.message})
            return
        form_fields.show_errors(self, COMPONENTS, {})
        Notification("{} gets no marketing any more.".format(self.txt_email.text), timeout=3).show()
        self.txt_email.text = self.txt_why.text = ""
        self.listing.load()

    def _lift(self, item, **event_args):
        text = "{} can get marketing again, if its person has agreed to that."
        if not confirm("Take it off the list?", text.format(item["email"]), "Take off"):
            return
        try:
            api.call("lift_suppression", item["email"], item["kind"], "Taken off the list by hand")
        except api.ApiError as error:
            Notification(error.message, style="danger").show()
            return
        self.listing.load()
