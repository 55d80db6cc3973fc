"""A small HTML tree that keeps line numbers, custom elements and the source's own text.

Parsed with ``html.parser``: unlike html5lib it tells the line of every tag and keeps elements where
they stand (a ``<tr>`` outside a table, a slot inside a ``<select>``). Names of elements and
attributes are lower case, as in any HTML parser.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from html.parser import HTMLParser

from app_server.templates.problems import Problems

VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input")
    + ("link", "meta", "param", "source", "track", "wbr")
)
RAW_TEXT = frozenset(("script", "style"))

# A start tag on the left ends an open element on the right (HTML standard, optional end tags).
_ENDS = {
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "option": {"option"},
    "optgroup": {"option", "optgroup"},
    "tr": {"tr", "td", "th"},
    "td": {"td", "th"},
    "th": {"td", "th"},
    "tbody": {"tr", "td", "th", "thead", "tbody"},
    "tfoot": {"tr", "td", "th", "tbody"},
}


@dataclass
class Text:
    """Characters between tags, entities resolved."""

    value: str
    line: int


@dataclass
class Comment:
    """A comment, or a doctype or processing instruction (which templates don't need)."""

    value: str
    line: int


@dataclass
class Element:
    """An element. An attribute without a value has the value ''."""

    tag: str
    attributes: list[tuple[str, str]]
    line: int
    children: list[Node] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """The attribute's value, or None."""
        for key, value in self.attributes:
            if key == name:
                return value
        return None


Node = Text | Comment | Element


class _TreeBuilder(HTMLParser):
    def __init__(self, first_line: int, problems: Problems):
        super().__init__(convert_charrefs=True)
        self.root = Element("", [], first_line)
        self._open = [self.root]
        self._offset = first_line - 1
        self._problems = problems

    @property
    def _line(self) -> int:
        return self.getpos()[0] + self._offset

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        ended = _ENDS.get(tag, set())
        while self._open[-1].tag in ended:
            self._open.pop()
        element = Element(tag, [(name, value or "") for name, value in attrs], self._line)
        self._open[-1].children.append(element)
        seen: set[str] = set()
        for name, _ in element.attributes:
            if name in seen:
                self._problems.add(element.line, f"attribute '{name}' stands twice in <{tag}>")
            seen.add(name)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML knows no self-closing: `<div/>` opens a div. In a template that is a slip.
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            line = self._line
            self._problems.add(line, f"<{tag} .../> is not closed: write <{tag} ...></{tag}>")
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag == tag:
                for unclosed in self._open[depth + 1 :]:
                    self._note_unclosed(unclosed)
                del self._open[depth:]
                return
        self._problems.add(self._line, f"</{tag}> closes nothing that is open")

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(Text(data, self._line))

    def handle_comment(self, data: str) -> None:
        self._open[-1].children.append(Comment(data, self._line))

    def finish(self) -> Element:
        self.close()
        for unclosed in self._open[1:]:
            self._note_unclosed(unclosed)
        return self.root

    def _note_unclosed(self, element: Element) -> None:
        if element.tag not in _ENDS and element.tag != "p":
            self._problems.add(element.line, f"<{element.tag}> is never closed")


def parse_markup(source: str, first_line: int, problems: Problems) -> Element:
    """The tree under a nameless root. Faults of the markup go to ``problems``."""
    builder = _TreeBuilder(first_line, problems)
    builder.feed(source)
    return builder.finish()


def is_blank(node: Node) -> bool:
    """Whether a node shows nothing: white space or a comment."""
    return isinstance(node, Comment) or (isinstance(node, Text) and not node.value.strip())


def escape_text(value: str) -> str:
    """Text for use between tags."""
    return html.escape(value, quote=False)


def render_element(tag: str, attributes: list[tuple[str, str]], inner: str) -> str:
    """Source text of an element with ``inner`` as its (already rendered) content."""
    written = "".join(
        f" {name}" if value == "" else f' {name}="{html.escape(value)}"'
        for name, value in attributes
    )
    if tag in VOID:
        return f"<{tag}{written}>"
    return f"<{tag}{written}>{inner}</{tag}>"
