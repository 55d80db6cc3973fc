"""What became of the mails of a campaign or a broadcast, in four figures."""

from ..shared import formatting
from . import campaign_texts


def show_figures(nodes, stats):
    """Fill the four figures, `fig_sent` and so on, of a form."""
    left = [
        formatting.plural(stats[name], one, many)
        for name, one, many in (
            ("waiting", "waiting", "waiting"),
            ("skipped", "left out", "left out"),
            ("failed", "failed", "failed"),
            ("unknown", "unknown", "unknown"),
        )
        if stats[name]
    ]
    nodes["fig_sent"].textContent = formatting.number(stats["sent"])
    nodes["fig_sent_note"].textContent = ", ".join(left)
    nodes["fig_opens"].textContent = campaign_texts.rate(stats["open_rate"])
    nodes["fig_opens_note"].textContent = "{} people, {} machines".format(
        formatting.number(stats["opens"]), formatting.number(stats["scanner_opens"])
    )
    nodes["fig_clicks"].textContent = campaign_texts.rate(stats["click_rate"])
    nodes["fig_clicks_note"].textContent = formatting.plural(stats["clicks"], "person", "people")
    nodes["fig_revenue"].textContent = formatting.money_in_short(
        stats["revenue_cents"], stats["currency"]
    )
    nodes["fig_revenue_note"].textContent = formatting.plural(
        stats["conversions"], "purchase", "purchases"
    )
