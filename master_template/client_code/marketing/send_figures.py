"""What became of the mails of a campaign or a broadcast, in four figures."""

from anvil.js.window import document

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


def show_subjects(node, subjects):
    """Fill a list with the subjects that were tried: each with its figures, the chosen one marked.
    Without any it is hidden."""
    node.replaceChildren(*[_subject(each) for each in subjects])
    node.hidden = not subjects


def _subject(each):
    item = document.createElement("li")
    words = document.createElement("strong")
    words.textContent = each["subject"]
    figures = document.createElement("span")
    figures.className = "mb-soft"
    sent = each["sent"]
    figures.textContent = "{} sent, {} opened, {} clicked".format(
        formatting.number(sent),
        campaign_texts.rate(float(each["opens"]) / sent if sent else 0.0),
        campaign_texts.rate(float(each["clicks"]) / sent if sent else 0.0),
    )
    item.append(words)
    if each["is_winner"]:
        chip = document.createElement("span")
        chip.className = "mb-chip"
        chip.textContent = "Chosen"
        item.append(chip)
    item.append(figures)
    return item
