from ._anvil_designer import ChartPanelTemplate

from ...shared.charts import ChartView
from .. import charts


class ChartPanel(ChartPanelTemplate):
    """Revenue or bookings by day, as a drawing and as a table; `metrics` is that of
    `get_dashboard`. Hidden where the user may see neither."""

    def __init__(self, **properties):
        self._metrics = {}
        self._shown = None
        self._ready = False
        self.init_components(**properties)
        self._view = ChartView(self)
        self._ready = True
        self._draw()

    @property
    def metrics(self):
        return self._metrics

    @metrics.setter
    def metrics(self, value):
        self._metrics = value or {}
        self._draw()

    def _draw(self):
        if not self._ready:
            return
        known = [name for name in charts.MAKE if self._figures(name) is not None]
        self.visible = bool(known)
        if not known:
            return
        if self._shown not in known:
            self._shown = known[0]
        nodes = self.dom_nodes
        nodes["choice"].hidden = len(known) < 2
        for name in charts.MAKE:
            nodes[name].setAttribute("aria-pressed", "true" if name == self._shown else "false")
        self._show(charts.MAKE[self._shown](self._figures(self._shown)))

    def _figures(self, name):
        metric = self._metrics.get(name)
        return metric["figures"] if metric else None

    def _show(self, chart):
        nodes = self.dom_nodes
        if not chart.empty:
            nodes["legend"].hidden = len(chart.names) < 2
            nodes["first_name"].textContent = chart.names[0]
            nodes["second_name"].textContent = chart.names[-1]
        self._view.show(chart)

    def _choose(self, name):
        self._shown = name
        self._draw()

    def revenue_click(self, event):
        self._choose("revenue")

    def bookings_click(self, event):
        self._choose("bookings")
