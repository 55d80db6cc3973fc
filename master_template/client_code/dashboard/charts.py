"""The dashboard's charts: from figures to what is drawn and what stands in the table."""

import datetime

from ..shared import formatting
from ..shared.charts import Chart, faded, round_steps


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


def _date(text):
    year, month, day = text.split("-")
    return datetime.date(int(year), int(month), int(day))


MAKE = {"revenue": RevenueChart, "bookings": BookingsChart}
