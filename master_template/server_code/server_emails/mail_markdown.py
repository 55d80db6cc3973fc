"""Markdown of marketing mails: to blocks, to harmless HTML, to plain text.

CommonMark without HTML. ``[words](link)`` alone in a paragraph is a button,
``![description](name)`` alone a picture of the business's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough")

SCHEMES = {"http", "https", "mailto", "tel"}
TAGS = {"p", "br", "hr", "ul", "ol", "li", "blockquote", "strong", "em", "s", "code", "pre", "a"}
_HEADINGS = re.compile(r"<(/?)h[1-6]>")
_BUTTON = re.compile(r"\[(?P<label>[^\[\]]{1,80})\]\((?P<link>[^()\s]{1,1000})\)")
_IMAGE = re.compile(r"!\[(?P<alt>[^\[\]]{0,300})\]\((?P<image>[^()\s]{1,80})\)")
_HEADING = re.compile(r"(?P<marks>#{1,3}) +(?P<text>[^\n]{1,300}?)(?: +#+)?")


def to_blocks(markdown: str) -> list[dict[str, Any]]:
    """The blocks that a text in Markdown stands for."""
    blocks: list[dict[str, Any]] = []
    for part in _paragraphs(markdown):
        line = part.strip()
        if found := _BUTTON.fullmatch(line):
            blocks.append({"kind": "button", "align": "left", **found.groupdict()})
        elif found := _IMAGE.fullmatch(line):
            given = found.groupdict()
            blocks.append({"kind": "image", "link": "", "width": 100, "align": "center", **given})
        elif found := _HEADING.fullmatch(line):
            level = "large" if found["marks"] == "#" else "small"
            blocks.append(
                {"kind": "heading", "text": found["text"], "level": level, "align": "left"}
            )
        elif re.fullmatch(r"(?:-{3,}|\*{3,}|_{3,})", line):
            blocks.append({"kind": "divider"})
        elif blocks and blocks[-1]["kind"] == "text":
            blocks[-1]["markdown"] += f"\n\n{part}"
        else:
            blocks.append({"kind": "text", "markdown": part, "align": "left"})
    return blocks


def _paragraphs(markdown: str) -> list[str]:
    """The text where blank lines part it, but not inside of fenced code."""
    parts = re.split(r"\n[ \t]*\n", markdown.replace("\r\n", "\n").strip("\n"))
    kept: list[str] = []
    for part in parts:
        if kept and kept[-1].count("```") % 2:
            kept[-1] += f"\n\n{part}"
        elif part.strip():
            kept.append(part)
    return kept


def to_html(markdown: str, styles: Mapping[str, str]) -> str:
    """Harmless HTML; ``styles`` are the inline styles of tags."""
    page = _HEADINGS.sub(r"<\1strong>", _markdown.render(markdown))
    # Pictures are blocks of their own; of one within a text its description is left.
    return nh3.clean(
        page,
        tags=TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        set_tag_attribute_values={tag: {"style": style} for tag, style in styles.items()},
        url_schemes=SCHEMES,
        link_rel=None,
    )


def to_text(markdown: str, address: Callable[[str], str]) -> str:
    """The same for programs that show plain text only: words, lists, and links with where
    ``address`` says that they lead."""
    lines: list[str] = []
    lists: list[int | None] = []  # the numbers of the lists that are open, None for one of bullets
    for token in _markdown.parse(markdown):
        if token.type == "bullet_list_open":
            lists.append(None)
        elif token.type == "ordered_list_open":
            lists.append(int(token.attrGet("start") or 1))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
            if not lists:
                lines.append("")
        elif token.type == "list_item_open":
            lines.append("  " * (len(lists) - 1) + _bullet(lists))
        elif token.type == "inline":
            text = _inline_text(token.children or [], address)
            if lists and lines:
                lines[-1] += text
            else:
                lines += [text, ""]
        elif token.type in ("fence", "code_block"):
            lines += [token.content.rstrip("\n"), ""]
        elif token.type == "hr":
            lines += ["----", ""]
    return "\n".join(lines).strip()


def _bullet(lists: list[int | None]) -> str:
    number = lists[-1]
    if number is None:
        return "- "
    lists[-1] = number + 1
    return f"{number}. "


def _inline_text(tokens: list[Token], address: Callable[[str], str]) -> str:
    made: list[str] = []
    opened: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "link_open":
            opened.append((len(made), str(token.attrGet("href") or "")))
        elif token.type == "link_close":
            start, link = opened.pop()
            label = "".join(made[start:])
            if link and link != label and _scheme(link) in SCHEMES | {""}:
                made.append(f" ({address(link)})")
        elif token.type in ("softbreak", "hardbreak"):
            made.append("\n")
        elif token.type in ("text", "code_inline", "image"):
            made.append(unescape(token.content))
    return "".join(made)


def _scheme(link: str) -> str:
    found = re.match(r"([a-z][a-z0-9+.-]*):", link, re.IGNORECASE)
    return found[1].lower() if found else ""
