from ._anvil_designer import MailChartTemplate

from ...shared import formatting
from ...shared.charts import Chart, ChartView, round_steps

UNIT_NAMES = {"day": "Day", "week": "Week from", "month": "From"}


class MailsChart(Chart):
    """Mails by day, week or month: how many were sent, and opened by people."""

    def __init__(self, buckets, unit):
        self.buckets = buckets
        has_any = any([bucket["sent"] for bucket in buckets])
        Chart.__init__(
            self,
            "Mails",
            "Sent, and opened by people up to now",
            "" if has_any else "No mail was sent in this time.",
            ["Sent", "Opened"],
            [UNIT_NAMES[unit], "Sent", "Opened", "Clicked"],
            [
                [formatting.short_day(bucket["day"])]
                + [formatting.number(bucket[name]) for name in ("sent", "opens", "clicks")]
                for bucket in buckets
            ],
        )

    def _bars(self, name, field, color):
        return {
            "type": "bar",
            "name": name,
            "x": [formatting.short_day(bucket["day"]) for bucket in self.buckets],
            "y": [bucket[field] for bucket in self.buckets],
            "marker": {"color": color},
            "hovertemplate": "%{y}",
        }

    def traces(self, colors):
        return [
            self._bars("Sent", "sent", colors["primary"]),
            self._bars("Opened", "opens", colors["quiet"]),
        ]

    def layout(self, colors):
        steps = round_steps(0, max([1] + [bucket["sent"] for bucket in self.buckets]))
        ticks = [(step, formatting.number(step)) for step in steps]
        layout = self.base_layout(colors, ticks)
        layout["barmode"] = "group"
        layout["xaxis"].update(nticks=8, type="category")
        return layout


class MailChart(MailChartTemplate):
    """The mails of some time as a drawing and as a table."""

    def __init__(self, **properties):
        self.init_components(**properties)
        self._view = ChartView(self)

    def show(self, buckets, unit):
        """Show the buckets of a report."""
        nodes = self.dom_nodes
        nodes["first_name"].textContent = "Sent"
        nodes["second_name"].textContent = "Opened"
        self._view.show(MailsChart(buckets, unit))
