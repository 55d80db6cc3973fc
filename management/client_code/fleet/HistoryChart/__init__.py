from ._anvil_designer import HistoryChartTemplate

from anvil import handle
from anvil.js import new, report_exceptions, window

from master_template.shared import api

from .. import history_charts

COLORS = ("primary", "quiet", "line", "text", "surface")
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
        self.plot.config = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}

    def load(self, name):
        """Read the history of a business and show it."""
        self._name = name
        span = self._span
        try:
            points = api.call_quietly("get_instance_history", name, span)["points"]
        except api.ApiError as error:
            self._charts = {}
            self._say(error.message)
            return
        if span == self._span:
            self._charts = history_charts.make_charts(points, span)
            self._draw()

    def _draw(self):
        for name in FIGURES:
            self._press(name, name == self._figure)
        for name in SPANS:
            self._press(name, name == self._span)
        if not self._charts:
            return
        chart = self._charts[self._figure]
        nodes = self.dom_nodes
        nodes["heading"].textContent = chart.heading
        nodes["summary"].textContent = chart.summary
        if chart.empty:
            self._say(chart.empty)
            return
        nodes["empty"].hidden = True
        nodes["drawing"].hidden = False
        self._fill_table(chart)
        colors = dict((name, self._color(name)) for name in COLORS)
        colors["family"] = window.getComputedStyle(nodes["heading"]).fontFamily
        self.plot.data = chart.traces(colors)
        self.plot.layout = chart.layout(colors)

    def _say(self, text):
        nodes = self.dom_nodes
        nodes["empty"].textContent = text
        nodes["empty"].hidden = False
        nodes["drawing"].hidden = True

    def _press(self, name, is_pressed):
        self.dom_nodes[name].setAttribute("aria-pressed", "true" if is_pressed else "false")

    def _color(self, name):
        return window.getComputedStyle(self.dom_nodes["ink_" + name]).color

    def _fill_table(self, chart):
        nodes = self.dom_nodes
        nodes["table_head"].replaceChildren(*[_cell("th", text) for text in chart.table_head])
        lines = []
        for when, value in chart.table_rows:
            line = window.document.createElement("tr")
            heading = _cell("th", when)
            heading.scope = "row"
            line.append(heading, _cell("td", value))
            lines.append(line)
        nodes["table_body"].replaceChildren(*lines)

    def figure_click(self, event):
        self._figure = event.currentTarget.dataset.name
        self._draw()

    def span_click(self, event):
        self._span = event.currentTarget.dataset.name
        self._draw()
        self.load(self._name)

    @handle("", "show")
    def form_show(self, **event_args):
        self._watcher = new(window.MutationObserver, report_exceptions(self._theme_change))
        self._watcher.observe(
            window.document.documentElement,
            {"attributes": True, "attributeFilter": ["data-m3-mode"]},
        )
        self._media = window.matchMedia("(prefers-color-scheme: dark)")
        self._media_change = report_exceptions(self._theme_change)
        self._media.addEventListener("change", self._media_change)

    @handle("", "hide")
    def form_hide(self, **event_args):
        self._watcher.disconnect()
        self._media.removeEventListener("change", self._media_change)

    def _theme_change(self, *args):
        """Light has become dark, or the other way round: the drawing follows."""
        self._draw()


def _cell(kind, text):
    cell = window.document.createElement(kind)
    cell.textContent = text
    return cell
