"""From what an owner types to what a page may show: variables, Markdown, and an allow-list."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping

import nh3
from markdown_it import MarkdownIt

from ..server_shared.errors import InvalidError
from ..server_shared.validators import shown

_VARIABLE = re.compile(r"\{\{\s*([^{}]{0,60}?)\s*\}\}")
# HTML is let through to the allow-list: policies are often pasted from a lawyer or a generator.
_markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

ALLOWED_TAGS = {
    *("h2", "h3", "h4", "p", "br", "hr", "ul", "ol", "li", "dl", "dt", "dd", "blockquote"),
    *("strong", "b", "em", "i", "u", "s", "del", "sup", "sub", "code", "pre", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ALLOWED_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "th": {"colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
}
ALLOWED_SCHEMES = {"https", "http", "mailto", "tel"}


def variables_in(source: str) -> list[str]:
    """The names of the variables that a text uses, each once, in order."""
    return list(dict.fromkeys(_VARIABLE.findall(source)))


def check_variables(source: str, known: Mapping[str, str]) -> None:
    """Raise :class:`InvalidError` where a text uses a variable that there is not."""
    unknown = [name for name in variables_in(source) if name not in known]
    if unknown:
        raise InvalidError(
            f"There is no variable called {shown(unknown[0])}. There are: {', '.join(known)}.",
            field="source",
        )


def to_html(source: str, values: Mapping[str, str]) -> str:
    """Harmless HTML of a text in Markdown, with each variable's value in its place.

    A value is text, whatever it holds: it goes in after Markdown has been read, escaped, and the
    allow-list looks at all of it last. Headings begin at the second level, below the page's own.
    """
    # Letters and digits alone, so that Markdown has nothing to say about them, not even in a link.
    prefix = f"variable{secrets.token_hex(8)}x"
    names = list(values)
    marked = _VARIABLE.sub(
        lambda found: (
            f"{prefix}{names.index(found.group(1))}x" if found.group(1) in values else found.group()
        ),
        source,
    )
    page = _markdown.render(marked)
    page = re.sub(
        prefix + r"(\d+)x",
        lambda found: html.escape(values[names[int(found.group(1))]]).replace("\n", "<br>"),
        page,
    )
    page = re.sub(r"<(/?)h1\b", r"<\1h2", page)
    return nh3.clean(
        page,
        tags=ALLOWED_TAGS,
        attributes=ALLOWED_ATTRIBUTES,
        url_schemes=ALLOWED_SCHEMES,
        link_rel="noopener",
    )
