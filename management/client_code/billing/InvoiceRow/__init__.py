from ._anvil_designer import InvoiceRowTemplate

from master_template.shared import formatting, navigation_helpers

from .. import billing_texts


class InvoiceRow(InvoiceRowTemplate):
    """One invoice, with its page and its PDF at Stripe."""

    def __init__(self, **properties):
        self.init_components(**properties)
        invoice, nodes = self.item, self.dom_nodes
        number = invoice["number"] or "Without a number"
        nodes["number"].textContent = number
        self.path = "/app/billing/tenants/" + invoice["instance_name"]
        nodes["tenant"].textContent = invoice["billing_name"]
        nodes["tenant"].href = self.path
        status = invoice["status"]
        nodes["status"].textContent = billing_texts.INVOICE_NAMES[status]
        if status in billing_texts.INVOICE_CLASSES:
            nodes["status"].classList.add(billing_texts.INVOICE_CLASSES[status])
        nodes["note"].textContent = self._note(invoice)
        nodes["date"].textContent = formatting.day(invoice["issued_at"])
        nodes["amount"].textContent = formatting.money(invoice["total_cents"], invoice["currency"])
        for name, label in (("page", "View"), ("pdf", "PDF of")):
            address = invoice[name + "_url"]
            nodes[name].hidden = not address
            if address:
                nodes[name].href = address
                nodes[name].setAttribute("aria-label", "{} {}".format(label, number))

    def _note(self, invoice):
        currency = invoice["currency"]
        if invoice["refunded_cents"]:
            return "{} refunded".format(formatting.money(invoice["refunded_cents"], currency))
        if invoice["status"] == "open" and invoice["next_attempt_at"]:
            return "tried again on {}".format(formatting.day(invoice["next_attempt_at"]))
        return ""

    def tenant_click(self, event):
        navigation_helpers.follow(event, self.path)
