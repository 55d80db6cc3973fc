from ._anvil_designer import InvoicesFormTemplate

from anvil import handle

from master_template.shared import navigation_helpers
from master_template.shared.listing import Listing

from .. import billing_texts

PATH = "/app/billing/invoices"
STATUS_ITEMS = (
    [("Any status", None)]
    + [(billing_texts.INVOICE_NAMES[word], word) for word in billing_texts.INVOICE_NAMES]
    + [("Refunded", "refunded")]
)
WORDS = {
    "one": "invoice",
    "many": "invoices",
    "none": "No invoices yet",
    "none_text": "Stripe makes one for each payment of a tenant; they appear here by themselves.",
}


class InvoicesForm(InvoicesFormTemplate):
    """The invoices of all tenants."""

    def __init__(self, **properties):
        navigation_helpers.arrive(PATH, "Invoices")
        self._started = False
        self.init_components(**properties)
        navigation_helpers.highlight_active_nav(self.layout, "billing")
        self.dd_status.items = STATUS_ITEMS
        controls = {"search": self.txt_search, "status": self.dd_status}
        self.listing = Listing(self, PATH, "list_billing_invoices", "invoices", controls, WORDS)

    @handle("", "show")
    def form_show(self, **event_args):
        if self._started or not navigation_helpers.require_staff():
            return
        self._started = True
        self.listing.start()
