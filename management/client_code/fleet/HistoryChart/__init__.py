from ._anvil_designer import HistoryChartTemplate

from master_template.shared import api
from master_template.shared.charts import ChartView

from .. import history_charts

FIGURES = ("memory_bytes", "requests", "latency_ms", "contacts")
SPANS = ("day", "week", "month")


class HistoryChart(HistoryChartTemplate):
    """How one business was: a figure over a span, as a drawing and as a table. `load(name)`."""

    def __init__(self, **properties):
        self._name = None
        self._charts = {}
        self._figure = FIGURES[0]
        self._span = SPANS[0]
        self.init_components(**properties)
        self._view = ChartView(self)

    def load(self, name):
        """Read the history of a business and show it."""
        self._name = name
        span = self._span
        try:
            points = api.call_quietly("get_instance_history", name, span)["points"]
        except api.ApiError as error:
            self._charts = {}
            self._view.say(error.message)
            return
        if span == self._span:
            self._charts = history_charts.make_charts(points, span)
            self._draw()

    def _draw(self):
        for name in FIGURES:
            self._press(name, name == self._figure)
        for name in SPANS:
            self._press(name, name == self._span)
        if self._charts:
            self._view.show(self._charts[self._figure])

    def _press(self, name, is_pressed):
        self.dom_nodes[name].setAttribute("aria-pressed", "true" if is_pressed else "false")

    def figure_click(self, event):
        self._figure = event.currentTarget.dataset.name
        self._draw()

    def span_click(self, event):
        self._span = event.currentTarget.dataset.name
        self._draw()
        self.load(self._name)
