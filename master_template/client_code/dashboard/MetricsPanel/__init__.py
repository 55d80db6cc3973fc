from ._anvil_designer import MetricsPanelTemplate

from .. import metric_texts


class MetricsPanel(MetricsPanelTemplate):
    """A card for each figure that the user may see; `metrics` is that of `get_dashboard`."""

    def __init__(self, **properties):
        self._metrics = {}
        self._ready = False
        self.init_components(**properties)
        self._ready = True
        self._draw()

    def _draw(self):
        if not self._ready:
            return
        shown = [name for name in metric_texts.DESCRIBE if name in self._metrics]
        # The sheet arranges three, four and more of them differently.
        self.dom_nodes["root"].setAttribute("data-cards", str(len(shown)))
        for name, describe in metric_texts.DESCRIBE.items():
            card = getattr(self, "card_" + name)
            metric = self._metrics.get(name)
            card.visible = metric is not None
            if metric is None:
                continue
            if metric["figures"] is None:
                card.show("–", "Not to be had right now", "attention")
            else:
                card.show(*describe(metric["figures"]))

    @property
    def metrics(self):
        return self._metrics

    @metrics.setter
    def metrics(self, value):
        self._metrics = value or {}
        self._draw()
