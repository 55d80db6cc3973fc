"""The dashboard's charts: from figures to what is drawn and what stands in the table."""

import datetime

from ..shared import formatting

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


class RevenueChart(Chart):
    """This month's revenue as it grew from day to day, above last month's."""

    def __init__(self, figures):
        own = figures["currencies"][0]
        this, last = own["days"], own["last_days"]
        last_month = _date(figures["last_month"])
        first = (last_month.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
        names = [formatting.month_name(first), formatting.month_name(last_month)]
        self.currency = own["currency"]
        self.this = this
        self.last = last
        Chart.__init__(
            self,
            "Revenue",
            "What has come in since the first of the month, refunds taken off",
            "" if any(this) or any(last) else "Nothing has come in this month or last.",
            names,
            ["Day"] + names,
            [
                [str(day + 1), self._cell(this, day), self._cell(last, day)]
                for day in range(max(len(this), len(last)))
            ],
        )

    def _cell(self, days, day):
        return formatting.money(days[day], self.currency) if day < len(days) else ""

    def _line(self, name, days, **more):
        return dict(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": list(range(1, len(days) + 1)),
                "y": list(days),
                "text": [formatting.money(cents, self.currency) for cents in days],
                "hovertemplate": "%{text}",
            },
            **more,
        )

    def traces(self, colors):
        this, last = self.names
        end = {"color": colors["primary"], "size": 9}
        return [
            self._line(last, self.last, line={"color": colors["quiet"], "width": 2, "dash": "dot"}),
            self._line(
                this,
                self.this,
                line={"color": colors["primary"], "width": 3, "shape": "linear"},
                fill="tozeroy",
                fillcolor=faded(colors["primary"], 0.1),
            ),
            {
                "type": "scatter",
                "mode": "markers",
                "x": [len(self.this)],
                "y": [self.this[-1]],
                "marker": end,
                "hoverinfo": "skip",
            },
        ]

    def layout(self, colors):
        steps = round_steps(min(0, *self.this, *self.last), max(1, *self.this, *self.last))
        ticks = [(step, formatting.money_in_short(step, self.currency)) for step in steps]
        layout = self.base_layout(colors, ticks)
        longest = max(len(self.this), len(self.last))
        layout["xaxis"].update(
            range=[0.5, longest + 0.5],
            tickmode="array",
            tickvals=[1, 5, 10, 15, 20, 25, 30],
            unifiedhovertitle={"text": "Day %{x}"},
        )
        return layout


class BookingsChart(Chart):
    """Bookings by day: the last week, today, and the week to come."""

    def __init__(self, figures):
        self.days = [_date(day) for day, _ in figures["days"]]
        self.counts = [count for _, count in figures["days"]]
        self.today = len(self.days) - 8
        Chart.__init__(
            self,
            "Bookings",
            "The last week, today, and the week to come",
            "" if any(self.counts) else "No bookings in these two weeks.",
            ["Bookings"],
            ["Day", "Bookings"],
            [
                [formatting.weekday(day), formatting.number(count)]
                for day, count in zip(self.days, self.counts)
            ],
        )

    def traces(self, colors):
        ahead = faded(colors["primary"], 0.45)
        tints = [faded(colors["quiet"], 0.5)] * self.today + [colors["primary"]] + [ahead] * 7
        texts = [
            "{}: {}".format(
                formatting.weekday(day), formatting.plural(count, "booking", "bookings")
            )
            for day, count in zip(self.days, self.counts)
        ]
        return [
            {
                "type": "bar",
                "x": list(range(len(self.days))),
                "y": self.counts,
                "marker": {"color": tints, "cornerradius": 4},
                "hovertext": texts,
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        ]

    def layout(self, colors):
        steps = round_steps(0, max(4, *self.counts))
        layout = self.base_layout(colors, [(step, formatting.number(step)) for step in steps])
        shown = [self.today - 6, self.today - 3, self.today, self.today + 3, self.today + 6]
        texts = [formatting.short_day(self.days[index]) for index in shown]
        texts[2] = "Today"
        layout.update(hovermode="closest", bargap=0.3)
        layout["xaxis"].update(tickmode="array", tickvals=shown, ticktext=texts)
        return layout


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


def _date(text):
    year, month, day = text.split("-")
    return datetime.date(int(year), int(month), int(day))


MAKE = {"revenue": RevenueChart, "bookings": BookingsChart}
