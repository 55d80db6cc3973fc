"""From a mail's blocks to HTML that mail programs agree on, and to plain text.

The blocks become MJML, which ``mjml`` (MRML, a port of MJML to Rust) turns into nested tables with
inline styles, columns that stand below each other on a phone, and what Outlook for Windows wants.
"Ground", "card" and "ink" in the class names are what a program that shows mails dark recolours.

A mail is made in two steps, so that values can never be markup: every merge field becomes a word of
letters and digits first, which Markdown and MJML leave alone, and then its value, escaped for where
it stands: as text, or as a part of an address.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any
from urllib.parse import quote

import mjml

from ..server_shared.config import Business
from ..server_site.colours import palette
from . import mail_markdown, merge_fields
from .mail_blocks import IMAGE_NAME, blocks_of

WIDTH_PX = 600
_CONTENT_PX = 544  # between the card's sides
_SIDE = "28px"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_SPACERS = {"small": "8px", "medium": "24px", "large": "48px"}
_HEADINGS = {"large": ("26px", "1.25"), "small": ("19px", "1.35")}
# Keeps a program's list of mails from going on with the mail's first words after the preview text.
_PREVIEW_END = "&#847;&zwnj;&nbsp;" * 60
_HREF = re.compile(r'(<a\s[^>]*?)href="([^"]*)"')
_BARE = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[/?#:].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Footer:
    """What the law wants below every marketing mail: whose it is, where they are, and how to get
    no more. ``unsubscribe_url`` is '' in a preview. Where opens and clicks may be counted,
    ``choice_url`` is where the person decides on that."""

    lines: tuple[str, ...]
    unsubscribe_url: str
    reason: str
    choice_url: str = ""


@dataclass(frozen=True)
class RenderedMail:
    """A mail to one person."""

    subject: str
    preheader: str
    html: str
    text: str


# Gives the address to put in place of one that the mail leads to (click counting).
Redirect = Callable[[str], str]


def render(
    content: Mapping[str, Any],
    values: Mapping[str, str],
    business: Business,
    footer: Footer,
    *,
    origin: str,
    redirect: Redirect | None = None,
    end: str = "",
) -> RenderedMail:
    """A checked mail in words. ``origin`` is where the business's own pages and pictures are;
    ``end`` is HTML of ours that goes last (what counts opens)."""
    words = _Words(content, values, origin)
    blocks = [words.mark_block(block) for block in blocks_of(content)]
    subject = words.plain(content["subject"])
    preheader = words.plain(content["preheader"])
    source = _document(blocks, subject, preheader, business, footer, words)
    page = _HREF.sub(
        lambda found: f"{found[1]}{words.fill_link(found[2], footer, redirect)}", _compile(source)
    )
    page = words.fill(page)
    place = page.rindex("</body>")
    return RenderedMail(
        subject, preheader, f"{page[:place]}{end}{page[place:]}", _text(blocks, footer, words)
    )


def _compile(source: str) -> str:
    # No fonts from anywhere: who loads them tells Google that the mail was opened.
    page: str = mjml.mjml2html(source, fonts={})
    return page


class _Words:
    """Puts words that nothing touches in the place of merge fields, and values in theirs."""

    def __init__(self, content: Mapping[str, Any], values: Mapping[str, str], origin: str) -> None:
        self.values = values
        self.origin = origin.rstrip("/")
        self.prefix = f"field{secrets.token_hex(6)}x"
        self.found: list[str] = []
        self._pattern = re.compile(self.prefix + r"(\d+)x")

    def mark(self, text: str) -> str:
        """The text with a word for each field."""
        return merge_fields.replace(text, self._note)

    def _note(self, use: merge_fields.Use) -> str:
        self.found.append(merge_fields.value_of(use, self.values))
        return f"{self.prefix}{len(self.found) - 1}x"

    def mark_block(self, block: Mapping[str, Any]) -> dict[str, Any]:
        marked: dict[str, Any] = {
            name: self.mark(value) if isinstance(value, str) else value
            for name, value in block.items()
        }
        if "columns" in marked:
            marked["columns"] = [
                [self.mark_block(inner) for inner in column] for column in block["columns"]
            ]
        return marked

    def plain(self, text: str) -> str:
        """One line of text, filled in."""
        return " ".join(self.unmark(self.mark(text)).split())

    def unmark(self, text: str) -> str:
        """Marked text with its values, as plain text."""
        return self._pattern.sub(lambda found: self.found[int(found[1])], text)

    def fill(self, page: str) -> str:
        """HTML with its values, as text or in attributes."""
        return self._pattern.sub(lambda found: escape(self.found[int(found[1])]), page)

    def address(self, marked: str) -> str:
        """Where a link of a block leads, its values as parts of an address."""
        link = self._pattern.sub(
            lambda found: quote(self.found[int(found[1])], safe="@" if "mailto:" in marked else ""),
            marked,
        )
        if link.startswith("/"):
            return self.origin + link
        return f"https://{link}" if _BARE.fullmatch(link) else link

    def fill_link(self, escaped: str, footer: Footer, redirect: Redirect | None) -> str:
        link = self.address(unescape(escaped))
        is_counted = (
            redirect is not None
            and link.lower().startswith(("http://", "https://"))
            and link not in (footer.unsubscribe_url, footer.choice_url)
        )
        if redirect is not None and is_counted:
            link = redirect(link)
        return f'href="{escape(link)}"'


_DARK_RULES = (
    (
        "body, .ground, .ground > table",
        "background-color:#141816!important;background:#141816!important",
    ),
    (".card, .card > table", "background-color:#1d2320!important;background:#1d2320!important"),
    (".ink div, .ink p, .ink li", "color:#e9ece9!important"),
    (".soft div, .soft p", "color:#a9b3ae!important"),
    (".ink a, .soft a", "color:{link}!important"),
    (".rule p", "border-top-color:#3a433f!important"),
)


def _document(
    blocks: list[dict[str, Any]],
    subject: str,
    preheader: str,
    business: Business,
    footer: Footer,
    words: _Words,
) -> str:
    colours = palette(business.primary_color, business.accent_color)
    styles = " ".join(f"{name}{{{rule}}}" for name, rule in _DARK_RULES).replace(
        "{link}", colours["primary_dark"]
    )
    preview = f"<mj-preview>{escape(preheader)}{_PREVIEW_END}</mj-preview>" if preheader else ""
    own = [block["markdown"] for block in blocks if block["kind"] == "footer"]
    body = "".join(_sections([each for each in blocks if each["kind"] != "footer"], colours, words))
    return f"""<mjml lang="{escape(business.locale.split("-")[0])}" dir="auto"><mj-head>
<mj-title>{escape(subject)}</mj-title>{preview}
<mj-attributes><mj-all font-family="{escape(_FONT)}" /><mj-text font-size="16px" \
line-height="1.55" color="#1d2321" padding="0 {_SIDE}" /><mj-section padding="0" />\
</mj-attributes>
<mj-raw><meta name="color-scheme" content="light dark" />\
<meta name="supported-color-schemes" content="light dark" /></mj-raw>
<mj-style>@media (prefers-color-scheme: dark) {{ {styles} }}</mj-style></mj-head>
<mj-body width="{WIDTH_PX}px" background-color="#f1efe9" css-class="ground">
{_header(business, colours, words)}
<mj-wrapper css-class="card" background-color="#ffffff" border-radius="16px" padding="28px 0 12px">
{body}</mj-wrapper>
{_footer(own, business, footer, colours)}
</mj-body></mjml>"""


def _header(business: Business, colours: Mapping[str, str], words: _Words) -> str:
    if business.logo_url:
        inner = (
            f'<mj-image src="{escape(words.origin + business.logo_url)}" '
            f'alt="{escape(business.business_name)}" width="150px" align="left" '
            'padding="0 4px" />'
        )
    else:
        inner = (
            f'<mj-button align="left" padding="0 4px" inner-padding="6px 16px" '
            f'border-radius="999px" font-size="15px" font-weight="600" '
            f'background-color="{colours["primary"]}" color="{colours["on_primary"]}" '
            f'href="{escape(words.origin or "#")}/">{escape(business.business_name)}</mj-button>'
        )
    return f'<mj-section padding="28px 0 16px"><mj-column>{inner}</mj-column></mj-section>'


def _sections(blocks: list[dict[str, Any]], colours: Mapping[str, str], words: _Words) -> list[str]:
    """The blocks, those between columns together in one section."""
    made: list[str] = []
    run: list[str] = []
    for block in [*blocks, {"kind": "columns", "columns": []}]:
        if block["kind"] != "columns":
            run.append(_element(block, colours, words, _CONTENT_PX))
            continue
        if run:
            made.append(f"<mj-section><mj-column>{''.join(run)}</mj-column></mj-section>")
            run = []
        if block["columns"]:
            made.append(_columns(block["columns"], colours, words))
    return made or ["<mj-section><mj-column><mj-spacer height='24px' /></mj-column></mj-section>"]


def _columns(columns: list[list[dict[str, Any]]], colours: Mapping[str, str], words: _Words) -> str:
    width = WIDTH_PX // len(columns) - 56
    made = "".join(
        "<mj-column>{}</mj-column>".format(
            "".join(_element(block, colours, words, width) for block in column)
            or '<mj-spacer height="8px" />'
        )
        for column in columns
    )
    return f"<mj-section>{made}</mj-section>"


def _element(
    block: Mapping[str, Any], colours: Mapping[str, str], words: _Words, width: int
) -> str:
    kind = block["kind"]
    if kind == "heading":
        size, height = _HEADINGS[block["level"]]
        tag = "h1" if block["level"] == "large" else "h2"
        style = f"margin:0;font-size:{size};line-height:{height};font-weight:650"
        return (
            f'<mj-text css-class="ink" align="{block["align"]}" padding="0 {_SIDE} 14px" '
            f'font-size="{size}" line-height="{height}">'
            f'<{tag} style="{style}">{escape(block["text"])}</{tag}></mj-text>'
        )
    if kind == "text":
        return (
            f'<mj-text css-class="ink" align="{block["align"]}">'
            f"{mail_markdown.to_html(block['markdown'], _text_styles(colours))}</mj-text>"
        )
    if kind == "image":
        return _image(block, words, width)
    if kind == "button":
        link = escape(block["link"] or "#")
        return (
            f'<mj-button align="{block["align"]}" href="{link}" border-radius="999px" '
            f'padding="8px {_SIDE} 24px" inner-padding="14px 26px" font-size="16px" '
            f'font-weight="600" background-color="{colours["primary"]}" '
            f'color="{colours["on_primary"]}">{escape(block["label"])}</mj-button>'
        )
    if kind == "divider":
        return (
            '<mj-divider css-class="rule" border-width="1px" border-color="#dedbd2" '
            f'padding="8px {_SIDE} 24px" />'
        )
    return f'<mj-spacer height="{_SPACERS[block["size"]]}" />'


def _image(block: Mapping[str, Any], words: _Words, width: int) -> str:
    found = IMAGE_NAME.fullmatch(block["image"])
    if found is None:
        return ""
    shown = min(width * int(block["width"]) // 100, int(found[1]))
    link = f' href="{escape(block["link"])}"' if block["link"] else ""
    source = escape(f"{words.origin}/mail-images/{block['image']}")
    return (
        f'<mj-image src="{source}" alt="{escape(block["alt"])}" width="{shown}px"{link} '
        f'align="{block["align"]}" padding="4px {_SIDE} 20px" border-radius="8px" />'
    )


def _text_styles(colours: Mapping[str, str]) -> dict[str, str]:
    return {
        "p": "margin:0 0 16px",
        "ul": "margin:0 0 16px;padding:0 0 0 22px",
        "ol": "margin:0 0 16px;padding:0 0 0 22px",
        "li": "margin:0 0 6px",
        "blockquote": "margin:0 0 16px;padding:0 0 0 14px;border-left:3px solid #dedbd2",
        "a": f"color:{colours['link']};text-decoration:underline",
        "hr": "border:0;border-top:1px solid #dedbd2;margin:8px 0 24px",
        "pre": "margin:0 0 16px;white-space:pre-wrap",
    }


def _footer(own: list[str], business: Business, footer: Footer, colours: Mapping[str, str]) -> str:
    styles = {**_text_styles(colours), "p": "margin:0 0 8px"}
    parts = [mail_markdown.to_html(text, styles) for text in own if text]
    parts += [f'<p style="margin:0 0 4px">{escape(line)}</p>' for line in footer.lines]
    look = "color:#56605c;text-decoration:underline"
    links = [("Unsubscribe", footer.unsubscribe_url or "#")]
    if footer.choice_url:
        links.append(("What we measure", footer.choice_url))
    listed = " · ".join(
        f'<a href="{escape(link)}" style="{look}">{words}</a>' for words, link in links
    )
    parts.append(f'<p style="margin:8px 0 0">{escape(footer.reason)} {listed}</p>')
    return (
        '<mj-section padding="16px 0 32px"><mj-column><mj-text css-class="soft" '
        'font-size="13px" line-height="1.5" color="#56605c" padding="0 4px">'
        f"{''.join(parts)}</mj-text></mj-column></mj-section>"
    )


def _text(blocks: list[dict[str, Any]], footer: Footer, words: _Words) -> str:
    """The plain text: what there is to read, with addresses behind their words."""
    parts = [_block_text(block, words) for block in blocks if block["kind"] != "footer"]
    own = [
        mail_markdown.to_text(b["markdown"], words.address) for b in blocks if b["kind"] == "footer"
    ]
    unsubscribe = f"{footer.reason} Unsubscribe: {footer.unsubscribe_url}".strip()
    choice = [f"What we measure: {footer.choice_url}"] if footer.choice_url else []
    end = "\n".join([*own, *footer.lines, unsubscribe, *choice])
    return words.unmark("\n\n".join([part for part in parts if part] + [f"-- \n{end}"])) + "\n"


def _block_text(block: Mapping[str, Any], words: _Words) -> str:
    kind = block["kind"]
    if kind == "heading":
        return f"{block['text']}\n{'=' * min(60, max(3, len(words.unmark(block['text']))))}"
    if kind == "text":
        return mail_markdown.to_text(block["markdown"], words.address)
    if kind == "button":
        return f"{block['label']}:\n{words.address(block['link'])}"
    if kind == "image" and block["alt"]:
        return f"[{block['alt']}]" + (f"\n{words.address(block['link'])}" if block["link"] else "")
    if kind == "divider":
        return "-" * 40
    if kind == "columns":
        inner = [_block_text(each, words) for column in block["columns"] for each in column]
        return "\n\n".join(part for part in inner if part)
    return ""
