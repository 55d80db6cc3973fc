from ._anvil_designer import BillingTabsTemplate

from master_template.shared import navigation_helpers

NAMES = ("tenants", "plans", "invoices", "dunning")


class BillingTabs(BillingTabsTemplate):
    """The way between the pages of billing; `current` is the one that is open."""

    def __init__(self, **properties):
        self._current = ""
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        self._draw()

    def _draw(self):
        for name in NAMES:
            node = self.dom_nodes[name]
            if name == self._current:
                node.setAttribute("aria-current", "page")
            else:
                node.removeAttribute("aria-current")

    @property
    def current(self):
        return self._current

    @current.setter
    def current(self, value):
        self._current = value or ""
        if self._ready:
            self._draw()

    def link_click(self, event):
        navigation_helpers.follow(event, event.currentTarget.getAttribute("href"))
