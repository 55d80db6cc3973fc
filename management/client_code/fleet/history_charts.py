"""The charts of one business: from samples to lines and cells."""

from master_template.shared.charts import Chart, faded, round_steps
from master_template.shared import formatting

SPAN_NAMES = {"day": "the last day", "week": "the last week", "month": "the last month"}
# A unit that a person reads, for the upright axis: so much is one step.
MEGABYTE = 1000000


class HistoryChart(Chart):
    """One figure over time; `tell` writes a value, `unit` is what a round step of the axis is."""

    def __init__(self, name, heading, points, span, tell, unit=1):
        self.name = name
        self.tell = tell
        self.unit = unit
        self.points = [point for point in points if point[name] is not None]
        self.values = [point[name] for point in self.points]
        Chart.__init__(
            self,
            heading,
            self._summary(span),
            "" if self.values else "Nothing was measured in {}.".format(SPAN_NAMES[span]),
            [heading],
            ["Time", heading],
            [
                [formatting.day_and_time(point["at"]), tell(point[name])]
                for point in self.points[::-1]
            ],
        )

    def _summary(self, span):
        if not self.values:
            return ""
        return "{} to {} in {}".format(
            self.tell(min(self.values)), self.tell(max(self.values)), SPAN_NAMES[span]
        )

    def traces(self, colors):
        return [
            {
                "type": "scatter",
                "mode": "lines" if len(self.values) > 1 else "markers",
                "x": list(range(len(self.values))),
                "y": self.values,
                "line": {"color": colors["primary"], "width": 2},
                "marker": {"color": colors["primary"], "size": 8},
                "fill": "tozeroy",
                "fillcolor": faded(colors["primary"], 0.1),
                "text": [
                    "{}: {}".format(formatting.day_and_time(point["at"]), self.tell(value))
                    for point, value in zip(self.points, self.values)
                ],
                "hovertemplate": "%{text}<extra></extra>",
            }
        ]

    def layout(self, colors):
        highest = max(1, int(max(self.values) // self.unit) + 1)
        ticks = [
            (step * self.unit, self.tell(step * self.unit)) for step in round_steps(0, highest)
        ]
        layout = self.base_layout(colors, ticks)
        layout["hovermode"] = "closest"
        last = len(self.values) - 1
        places = sorted(set([0, last // 3, 2 * last // 3, last]))
        layout["xaxis"].update(
            tickmode="array",
            tickvals=places,
            ticktext=[self._when(self.points[place]["at"]) for place in places],
            range=[-0.02 * max(1, last), 1.02 * max(1, last)],
        )
        return layout

    def _when(self, moment):
        first, last = self.points[0]["at"], self.points[-1]["at"]
        if (last - first).total_seconds() > 2 * 24 * 3600:
            return formatting.short_day(moment)
        return formatting.time_of_day(moment)


def _milliseconds(value):
    return formatting.number(value) + " ms"


def make_charts(points, span):
    """A chart for each figure, by its name."""
    wanted = [
        ("memory_bytes", "Memory", formatting.file_size, MEGABYTE),
        ("requests", "Requests", formatting.number, 1),
        ("latency_ms", "Response time", _milliseconds, 1),
        ("contacts", "Contacts", formatting.number, 1),
    ]
    return dict(
        (name, HistoryChart(name, heading, points, span, tell, unit))
        for name, heading, tell, unit in wanted
    )
