from ._anvil_designer import StorageWidgetTemplate

from ...shared import formatting

NEARLY_FULL = 0.8


class StorageWidget(StorageWidgetTemplate):
    """How much is kept, against what one instance is built for; `figures` of the metric
    `storage`."""

    def __init__(self, **properties):
        self._figures = None
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        self._draw()

    @property
    def figures(self):
        return self._figures

    @figures.setter
    def figures(self, value):
        self._figures = value
        self._draw()

    def _draw(self):
        if not self._ready:
            return
        self.visible = self._figures is not None
        if not self._figures:
            return
        shares = [
            self._draw_line("contacts", formatting.number),
            self._draw_line("rows", formatting.number),
            self._draw_line("media", formatting.file_size),
        ]
        fullest = max(shares)
        if fullest > 1:
            text = "More than Mybizz is built for. Everything still works, but may become slow."
        elif fullest >= NEARLY_FULL:
            text = "Nearly what Mybizz is built for. Time to tidy up, or to ask who runs it."
        else:
            text = "Plenty of room."
        self.dom_nodes["advice"].textContent = text

    def _draw_line(self, name, describe):
        used, most = self._figures[name]
        nodes = self.dom_nodes
        share = used / float(most)
        text = "{} of {}".format(describe(used), describe(most))
        nodes[name + "_text"].textContent = text
        meter = nodes[name + "_meter"]
        meter.setAttribute("aria-valuemax", str(most))
        meter.setAttribute("aria-valuenow", str(min(used, most)))
        meter.setAttribute("aria-valuetext", text)
        meter.classList.toggle("full", share >= NEARLY_FULL)
        nodes[name + "_bar"].style.width = "{}%".format(min(100, share * 100))
        return share
