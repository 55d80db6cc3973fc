"""Charts: what one says, and the part of a form that shows it."""

from anvil.js import new, report_exceptions, window

COLORS = ("primary", "quiet", "line", "text", "surface")
FONT_SIZE = 12


class Chart:
    """What a chart says, in words, lines and cells.

    `heading`, `summary`, `empty` (what to say instead, where there is nothing to draw), `names` of
    the one or two rows of figures, `table_head`, `table_rows`; `traces` and `layout` give Plotly's
    dicts for colours by name (`primary`, `quiet`, `line`, `text`, `surface`) and the `family` of
    the letters.
    """

    def __init__(self, heading, summary="", empty="", names=(), table_head=(), table_rows=()):
        self.heading = heading
        self.summary = summary
        self.empty = empty
        self.names = names
        self.table_head = table_head
        self.table_rows = table_rows

    def base_layout(self, colors, ticks):
        """The frame of a drawing; `ticks` are (value, text) of the upright axis."""
        font = {"color": colors["text"], "size": FONT_SIZE, "family": colors["family"]}
        quiet = {"showgrid": False, "zeroline": False, "fixedrange": True, "automargin": True}
        return {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": font,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "showlegend": False,
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": colors["surface"],
                "bordercolor": colors["line"],
                "font": font,
            },
            "xaxis": dict(quiet, linecolor=colors["line"], showline=True, ticks=""),
            "yaxis": dict(
                quiet,
                showgrid=True,
                gridcolor=colors["line"],
                griddash="dot",
                rangemode="tozero",
                tickmode="array",
                tickvals=[value for value, _ in ticks],
                ticktext=[text for _, text in ticks],
            ),
        }


class ChartView:
    """The part of a form that shows a chart as a drawing and as a table, and follows the theme.

    The form's template has a Plot named `plot` and the dom nodes `heading`, `summary`, `empty`,
    `drawing`, `table_head`, `table_body` and `ink_NAME` for each of COLORS.
    """

    def __init__(self, form):
        self.form = form
        self.chart = None
        form.plot.config = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}
        form.add_event_handler("show", self._appear)
        form.add_event_handler("hide", self._disappear)

    def show(self, chart):
        """Show a `Chart`, or its words where it has nothing to draw."""
        self.chart = chart
        nodes = self.form.dom_nodes
        nodes["heading"].textContent = chart.heading
        nodes["summary"].textContent = chart.summary
        if chart.empty:
            self.say(chart.empty)
            return
        nodes["empty"].hidden = True
        nodes["drawing"].hidden = False
        self._fill_table(chart)
        self._draw()

    def say(self, text):
        """Words in place of the drawing."""
        self.chart = None
        nodes = self.form.dom_nodes
        nodes["empty"].textContent = text
        nodes["empty"].hidden = False
        nodes["drawing"].hidden = True

    def _draw(self):
        nodes = self.form.dom_nodes
        colors = {}
        for name in COLORS:
            # A colour of the theme as it is now, in the form that Plotly reads.
            colors[name] = window.getComputedStyle(nodes["ink_" + name]).color
        # Plotly has a font of its own, and would give that to whoever inherits.
        colors["family"] = window.getComputedStyle(nodes["heading"]).fontFamily
        self.form.plot.data = self.chart.traces(colors)
        self.form.plot.layout = self.chart.layout(colors)

    def _fill_table(self, chart):
        nodes = self.form.dom_nodes
        nodes["table_head"].replaceChildren(*[_cell("th", text) for text in chart.table_head])
        lines = []
        for row in chart.table_rows:
            line = window.document.createElement("tr")
            heading = _cell("th", row[0])
            heading.scope = "row"
            line.append(heading, *[_cell("td", text) for text in row[1:]])
            lines.append(line)
        nodes["table_body"].replaceChildren(*lines)

    def _appear(self, **event_args):
        self._watcher = new(window.MutationObserver, report_exceptions(self._theme_change))
        self._watcher.observe(
            window.document.documentElement,
            {"attributes": True, "attributeFilter": ["data-m3-mode"]},
        )
        self._media = window.matchMedia("(prefers-color-scheme: dark)")
        self._media_change = report_exceptions(self._theme_change)
        self._media.addEventListener("change", self._media_change)

    def _disappear(self, **event_args):
        self._watcher.disconnect()
        self._media.removeEventListener("change", self._media_change)

    def _theme_change(self, *args):
        """Light has become dark, or the other way round: the drawing follows."""
        if self.chart is not None:
            self._draw()


def _cell(kind, text):
    cell = window.document.createElement(kind)
    cell.textContent = text
    return cell


def round_steps(lowest, highest, wanted=4):
    """About `wanted` round numbers from `lowest` to `highest`, both covered as far as possible."""
    rough = max(1.0, (highest - lowest) / float(wanted))
    power = 1
    while power * 10 <= rough:
        power *= 10
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough)
    first = -int(-lowest // step) * step if lowest < 0 else 0
    return list(range(first, highest + step, step))


def faded(color, share):
    """`rgb(1, 2, 3)` with only a share of its strength."""
    return color.replace("rgb(", "rgba(").replace(")", ", {})".format(share))
