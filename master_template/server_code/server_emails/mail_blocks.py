"""What a marketing mail is made of, as it is stored, and the rule that checks it.

A mail is ``{"subject", "preheader", "format", "markdown", "blocks"}``: in the format ``blocks`` a
list of them, in the format ``markdown`` one text. A block is a dict with its ``kind`` and the keys
that KINDS names for it. Nothing in it is HTML: ``marketing_layout`` makes that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..server_shared.errors import InvalidError
from ..server_shared.validators import Choice, Rule, Text, shown
from . import merge_fields
from .mail_markdown import to_blocks

BLOCKS, MARKDOWN = "blocks", "markdown"
MAX_BLOCKS = 60
MAX_TEXT_CHARS = 10_000
MAX_MARKDOWN_CHARS = 30_000
MAX_LINK_CHARS = 1_000
# Mail programs show some 50 to 70 characters of a subject, and 90 of what stands beside it.
MAX_SUBJECT_CHARS = 150
IMAGE_WIDTHS = (25, 50, 75, 100)  # percent of the mail's
IMAGE_NAME = re.compile(r"[0-9a-f]{16}-([1-9][0-9]{0,3})x([1-9][0-9]{0,3})\.(?:jpg|png|gif)")

EMPTY_CONTENT: dict[str, Any] = {
    "subject": "",
    "preheader": "",
    "format": BLOCKS,
    "markdown": "",
    "blocks": [],
}

_LINK = re.compile(
    r"(?:https?://[^\s/?#@]+[^\s]*|mailto:[^\s]+|tel:[+0-9][0-9 ().-]*|/[^\s]*)", re.I
)
_NO_SCHEME = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[/?#:].*)?", re.IGNORECASE)


class MergeText(Text):
    """Text in which merge fields may stand."""

    def check(self, value: Any) -> Any:
        text = super().check(value)
        if isinstance(text, str):
            merge_fields.check(self.label, text)
        return text


class Link(Rule):
    """Where a button or image leads: the web, a mailbox, a telephone, or a page of the business's
    own site (``/book``). Merge fields may stand behind the host's name."""

    def check(self, value: Any) -> str:
        expected = (
            "a link like https://example.com/page, mailto:name@example.com or tel:+27215550100"
        )
        if not isinstance(value, str) or len(value) > MAX_LINK_CHARS:
            raise self.refuse(expected, value)
        link = value.strip()
        merge_fields.check(self.label, link)
        if _NO_SCHEME.fullmatch(link):
            link = f"https://{link}"
        plain = merge_fields.replace(link, lambda _use: "\x00")
        if not _LINK.fullmatch(plain) or plain.startswith("//") or "\\" in plain:
            raise self.refuse(expected, value)
        if "\x00" in plain.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0] and "//" in plain:
            raise InvalidError(f"{self.label}: a field cannot stand in the name of the site.")
        return link


class ImageName(Rule):
    """A picture of the business's own, by the name that ``mail_images`` gave it."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not IMAGE_NAME.fullmatch(value):
            raise InvalidError(f"{self.label}: please choose a picture.")
        return value


class Percentage(Rule):
    """One of the widths that a picture can have."""

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or value not in IMAGE_WIDTHS:
            raise self.refuse(f"one of {', '.join(map(str, IMAGE_WIDTHS))}", value)
        return int(value)


_ALIGN = Choice("Alignment", ("left", "center", "right"), default="left")
_SIMPLE: dict[str, dict[str, Rule]] = {
    "heading": {
        "text": MergeText("Heading", max_chars=300, default=""),
        "level": Choice("Size", ("large", "small"), default="large"),
        "align": _ALIGN,
    },
    "text": {
        "markdown": MergeText("Text", max_chars=MAX_TEXT_CHARS, multiline=True, default=""),
        "align": _ALIGN,
    },
    "image": {
        "image": ImageName("Picture", default=""),
        "alt": MergeText("Description of the picture", max_chars=300, default=""),
        "link": Link("Link", default=""),
        "width": Percentage("Width", default=100),
        "align": Choice("Alignment", ("left", "center", "right"), default="center"),
    },
    "button": {
        "label": MergeText("Words on the button", max_chars=80, default=""),
        "link": Link("Link", default=""),
        "align": Choice("Alignment", ("left", "center", "right"), default="left"),
    },
    "divider": {},
    "spacer": {"size": Choice("Size", ("small", "medium", "large"), default="medium")},
    "footer": {
        "markdown": MergeText("Text of the footer", max_chars=2_000, multiline=True, default="")
    },
}
KINDS = (*_SIMPLE, "columns")
# What has to stand in a block before the mail can go, and how a message asks for it.
_NEEDED = {
    "heading": {"text": "Heading is required."},
    "text": {"markdown": "Text is required, or take the block out."},
    "image": {"image": "Please choose a picture, or take the block out."},
    "button": {"label": "Words on the button are required.", "link": "Link is required."},
}


class Blocks(Rule):
    """A list of blocks; ``depth`` 1 stands in a column and may hold no further columns."""

    def __init__(self, label: str, depth: int = 0) -> None:
        super().__init__(label, default=[])
        self.depth = depth

    def check(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list | tuple):
            raise self.refuse("a list of blocks", value)
        if len(value) > MAX_BLOCKS:
            raise InvalidError(f"A mail may have at most {MAX_BLOCKS} blocks, not {len(value)}.")
        return _each(value, self._clean_block)

    def _clean_block(self, block: Any) -> dict[str, Any]:
        kind = block.get("kind") if isinstance(block, Mapping) else None
        if kind == "columns" and self.depth == 0:
            columns = block.get("columns")
            if not isinstance(columns, list | tuple) or not 2 <= len(columns) <= 3:
                raise InvalidError("Columns must be two or three.", field="columns")
            try:
                kept = _each(columns, Blocks("Column", depth=1).clean)
            except InvalidError as error:
                raise _under("columns", error) from error
            return {"kind": kind, "columns": kept}
        if not isinstance(block, Mapping) or not isinstance(kind, str) or kind not in _SIMPLE:
            raise InvalidError(
                f"A block must be one of {', '.join(KINDS)}, not {shown(kind)}.", field="kind"
            )
        faults: dict[str, str] = {}
        cleaned: dict[str, Any] = {"kind": kind}
        for name, rule in _SIMPLE[kind].items():
            try:
                cleaned[name] = rule.clean(block.get(name))
            except InvalidError as error:
                faults[name] = error.message
        if faults:
            raise InvalidError(" ".join(faults.values()), fields=faults)
        return cleaned


def _each(values: Any, clean: Callable[[Any], Any]) -> list[Any]:
    """Every value cleaned, all faults together, by number."""
    faults: dict[str, str] = {}
    kept = []
    for number, value in enumerate(values):
        try:
            kept.append(clean(value))
        except InvalidError as error:
            nested = {f"{number}.{name}": text for name, text in error.fields.items()}
            faults.update(nested or {str(number): error.message})
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)
    return kept


def _under(name: str, error: InvalidError) -> InvalidError:
    nested = {f"{name}.{inner}": text for inner, text in error.fields.items()}
    return InvalidError(error.message, fields=nested or {name: error.message})


class MailContent(Rule):
    """A mail as an editor made it. Faults are named ``content.subject``,
    ``content.blocks.2.link``; keys that a mail does not have are dropped.

    A draft may be unfinished; ``check_ready`` says whether it can go.
    """

    def __init__(
        self, label: str, *, required: bool = False, is_draft: bool = True, name: str = "content"
    ) -> None:
        super().__init__(label, required=required, default=None)
        self.is_draft = is_draft
        self.name = name

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.refuse("a mail with subject and blocks", value)
        faults: dict[str, str] = {}
        kept: dict[str, Any] = {}
        for key, rule in _PARTS.items():
            try:
                kept[key] = rule.clean(value.get(key))
            except InvalidError as error:
                nested = {f"{key}.{inner}": text for inner, text in error.fields.items()}
                faults.update(nested or {key: error.message})
        if not faults and kept["format"] == MARKDOWN:
            try:
                Blocks("Text").clean(to_blocks(kept["markdown"]))
            except InvalidError as error:
                faults["markdown"] = error.message
        if not faults and not self.is_draft:
            faults = missing_in(kept)
        if faults:
            named = {f"{self.name}.{key}": text for key, text in faults.items()}
            raise InvalidError(" ".join(faults.values()), fields=named)
        return kept


_PARTS: dict[str, Rule] = {
    "subject": MergeText("Subject", max_chars=MAX_SUBJECT_CHARS, default=""),
    "preheader": MergeText("Preview text", max_chars=200, default=""),
    "format": Choice("Format", (BLOCKS, MARKDOWN), default=BLOCKS),
    "markdown": MergeText("Text", max_chars=MAX_MARKDOWN_CHARS, multiline=True, default=""),
    "blocks": Blocks("Blocks"),
}


def check_ready(content: Mapping[str, Any] | None, name: str = "content") -> dict[str, Any]:
    """The content, checked as it has to be before it goes to anybody. Raises
    :class:`InvalidError` by field."""
    cleaned: dict[str, Any] = MailContent("Mail", is_draft=False, required=True, name=name).clean(
        content or EMPTY_CONTENT
    )
    return cleaned


def missing_in(content: Mapping[str, Any]) -> dict[str, str]:
    """What a checked mail lacks, by field."""
    faults = {} if content["subject"] else {"subject": "Subject is required."}
    if content["format"] == MARKDOWN:
        if not content["markdown"]:
            faults["markdown"] = "The mail says nothing yet."
        return faults
    says_something = False
    for path, block in walk(content["blocks"]):
        says_something = says_something or block["kind"] in ("heading", "text", "image", "button")
        for key, message in _NEEDED.get(block["kind"], {}).items():
            if not block[key]:
                faults[f"blocks.{path}.{key}"] = message
    if not says_something:
        faults["blocks"] = "The mail says nothing yet."
    return faults


def walk(blocks: list[dict[str, Any]], before: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every block with its path (``3`` or ``3.columns.0.1``), those in columns too."""
    for number, block in enumerate(blocks):
        yield f"{before}{number}", block
        for place, column in enumerate(block.get("columns", ())):
            yield from walk(column, f"{before}{number}.columns.{place}.")


def blocks_of(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a mail in either format."""
    if content["format"] == MARKDOWN:
        return to_blocks(content["markdown"])
    blocks: list[dict[str, Any]] = content["blocks"]
    return blocks


def uses_in(content: Mapping[str, Any]) -> list[merge_fields.Use]:
    """Every place where a merge field stands."""
    texts = [content["subject"], content["preheader"]]
    for _, block in walk(blocks_of(content)):
        texts += [value for value in block.values() if isinstance(value, str)]
    return [use for text in texts for use in merge_fields.uses_in(text)]


def from_markdown(subject: str, markdown: str, preheader: str = "") -> dict[str, Any]:
    """A mail of one text, for what the product brings along."""
    return check_ready(
        {"subject": subject, "preheader": preheader, "format": MARKDOWN, "markdown": markdown}
    )
