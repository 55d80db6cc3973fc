from ._anvil_designer import ChartPanelTemplate

from anvil import handle
from anvil.js import new, report_exceptions, window

from .. import charts

COLORS = ("primary", "quiet", "line", "text", "surface")


class ChartPanel(ChartPanelTemplate):
    """Revenue or bookings by day, as a drawing and as a table; `metrics` is that of
    `get_dashboard`. Hidden where the user may see neither."""

    def __init__(self, **properties):
        self._metrics = {}
        self._shown = None
        self._ready = False
        self.init_components(**properties)
        self.plot.config = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}
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
        nodes["heading"].textContent = chart.heading
        nodes["summary"].textContent = chart.summary
        nodes["empty"].textContent = chart.empty
        nodes["empty"].hidden = not chart.empty
        nodes["drawing"].hidden = bool(chart.empty)
        if chart.empty:
            return
        nodes["legend"].hidden = len(chart.names) < 2
        nodes["first_name"].textContent = chart.names[0]
        nodes["second_name"].textContent = chart.names[-1]
        self._fill_table(chart)
        colors = {name: self._color(name) for name in COLORS}
        # Plotly has a font of its own, and would give that to whoever inherits.
        colors["family"] = window.getComputedStyle(nodes["heading"]).fontFamily
        self.plot.data = chart.traces(colors)
        self.plot.layout = chart.layout(colors)

    def _color(self, name):
        """A colour of the theme as it is now, in the form that Plotly reads."""
        return window.getComputedStyle(self.dom_nodes["ink_" + name]).color

    def _fill_table(self, chart):
        nodes = self.dom_nodes
        nodes["table_head"].replaceChildren(*[_cell("th", text) for text in chart.table_head])
        lines = []
        for row in chart.table_rows:
            line = window.document.createElement("tr")
            heading = _cell("th", row[0])
            heading.scope = "row"
            line.append(heading, *[_cell("td", text) for text in row[1:]])
            lines.append(line)
        nodes["table_body"].replaceChildren(*lines)

    def _choose(self, name):
        self._shown = name
        self._draw()

    def revenue_click(self, event):
        self._choose("revenue")

    def bookings_click(self, event):
        self._choose("bookings")

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
