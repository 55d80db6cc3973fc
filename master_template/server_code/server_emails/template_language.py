"""The language that mail templates are written in: a small part of Jinja, and light markup.

Variables, ``{% if %}`` and a few filters are all there is. A template is checked when it is saved,
so that it cannot fail when a mail goes out: no loops, no calls, no arithmetic, and only variables
that the template has (``jinja2.sandbox`` alone would let ``{{ "a" * 10**9 }}`` through).

Markup: a blank line parts paragraphs; ``# Heading``; ``- item``; ``**bold**``; ``*italic*``;
``[text](address)``, which is a button where it stands alone. A backslash takes the meaning from the
next character; what variables hold is treated so, and can never be markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..server_shared.errors import InvalidError

FILTERS = ("capitalize", "default", "lower", "title", "trim", "upper")
_ALLOWED_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
MAX_RENDERED_CHARS = 20_000  # with its HTML it has to fit into an encrypted field

_SPECIAL = re.compile(r"([\\*\[\]()#\-])")
_INLINE = re.compile(
    r"\\(?P<plain>.)"
    r"|\*\*(?P<bold>(?:\\.|[^\\*])+)\*\*"
    r"|\*(?P<italic>(?:\\.|[^\\*])+)\*"
    r"|\[(?P<label>(?:\\.|[^\\\]])+)\]\((?P<address>(?:\\.|[^\\)\s])+)\)",
    re.DOTALL,
)
_ADDRESS = re.compile(r"(?:https?://[^\s/]+|mailto:[^\s]+|tel:[+0-9])[^\s]*", re.IGNORECASE)


def _escape_markup(value: Any) -> str:
    return _SPECIAL.sub(r"\\\1", str(value))


def _environment(*, markup: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        finalize=_escape_markup if markup else None,
        keep_trailing_newline=True,
    )
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.globals = {}
    made.tests = {}
    return made


_PLAIN = _environment(markup=False)
_MARKUP = _environment(markup=True)


def check(label: str, source: str, variables: Mapping[str, str]) -> None:
    """Make sure that a template can be rendered with these variables (names with samples).

    Raises :class:`InvalidError` with what is wrong and in which line.
    """
    try:
        tree = _PLAIN.parse(source)
    except TemplateSyntaxError as error:
        raise InvalidError(f"{label}, line {error.lineno}: {_plain_words(error)}") from error
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Name) and node.name not in variables:
            known = ", ".join(sorted(variables))
            raise InvalidError(
                f"{label}, line {node.lineno}: there is no variable called “{node.name}” here. "
                f"There are: {known}."
            )
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise InvalidError(
                f"{label}, line {node.lineno}: there is no filter called “{node.name}”. "
                f"There are: {', '.join(FILTERS)}."
            )
        if not isinstance(node, _ALLOWED_NODES):
            raise InvalidError(
                f"{label}, line {node.lineno}: only variables like {{{{ name }}}} and "
                "{% if name %} ... {% endif %} can stand in a template."
            )
    for given in (dict(variables), dict.fromkeys(variables, "")):
        render_markup(source, given)


def _plain_words(error: TemplateSyntaxError) -> str:
    message = error.message or "this cannot be understood"
    if "unexpected end of template" in message.lower() or "end of print statement" in message:
        return "a {{ or {% is not closed."
    return message[:1].lower() + message[1:]


def render_line(source: str, variables: Mapping[str, str]) -> str:
    """A subject: one line of plain text."""
    return " ".join(_render(_PLAIN, source, variables).split())


def render_markup(source: str, variables: Mapping[str, str]) -> str:
    """A body, as markup in which the variables' values stand for nothing but themselves."""
    return _render(_MARKUP, source, variables)


def _render(
    environment: ImmutableSandboxedEnvironment, source: str, variables: Mapping[str, str]
) -> str:
    try:
        text = environment.from_string(source).render(**variables)
    except TemplateError as error:
        raise InvalidError(f"The template cannot be filled in: {error.message}") from error
    if len(text) > MAX_RENDERED_CHARS:
        raise InvalidError("What the template makes is too long for a mail.")
    return text


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list or button: its markup, and for a button where it leads."""

    kind: str
    lines: list[str] = field(default_factory=list)
    address: str = ""


def read_blocks(markup: str) -> list[Block]:
    """The blocks of a body in their order."""
    blocks: list[Block] = []
    for part in re.split(r"\n[ \t]*\n", markup.replace("\r\n", "\n").strip()):
        lines = [line.strip() for line in part.split("\n") if line.strip()]
        if not lines:
            continue
        alone = _INLINE.fullmatch(lines[0]) if len(lines) == 1 else None
        if alone and alone["label"] and _safe_address(alone["address"]):
            blocks.append(Block("button", [alone["label"]], _safe_address(alone["address"])))
        elif lines[0].startswith("# "):
            blocks.append(Block("heading", [lines[0][2:]]))
            if lines[1:]:
                blocks.append(Block("paragraph", lines[1:]))
        elif all(line.startswith("- ") for line in lines):
            blocks.append(Block("list", [line[2:] for line in lines]))
        else:
            blocks.append(Block("paragraph", lines))
    return blocks


def inline_html(markup: str) -> str:
    """A line as HTML: nothing but text, ``b``, ``i`` and ``a`` can come out of it."""
    made: list[str] = []
    end = 0
    for found in _INLINE.finditer(markup):
        made.append(escape(markup[end : found.start()]))
        end = found.end()
        if found["plain"] is not None:
            made.append(escape(found["plain"]))
        elif found["bold"] is not None:
            made.append(f"<b>{inline_html(found['bold'])}</b>")
        elif found["italic"] is not None:
            made.append(f"<i>{inline_html(found['italic'])}</i>")
        else:
            address = _safe_address(found["address"])
            label = escape(unescape_markup(found["label"]))
            made.append(f'<a href="{escape(address)}">{label}</a>' if address else label)
    made.append(escape(markup[end:]))
    return "".join(made)


def inline_text(markup: str) -> str:
    """A line as plain text, with the address of a link behind its words."""

    def plain(found: re.Match[str]) -> str:
        if found["plain"] is not None:
            return found["plain"]
        if found["address"] is not None:
            label, address = unescape_markup(found["label"]), _safe_address(found["address"])
            return label if not address or address == label else f"{label} ({address})"
        return inline_text(found["bold"] or found["italic"])

    return _INLINE.sub(plain, markup)


def unescape_markup(markup: str) -> str:
    """The text of markup that holds none."""
    return re.sub(r"\\(.)", r"\1", markup, flags=re.DOTALL)


def _safe_address(markup: str) -> str:
    """Where a link leads, or '' where that is neither the web, a mailbox nor a telephone."""
    address = unescape_markup(markup)
    return address if _ADDRESS.fullmatch(address) else ""
