"""Standard modules in the browser do what CPython's do: the same code runs in both."""

from __future__ import annotations

import contextlib
import io
import textwrap

import pytest

from tests.browser import conftest as browser

page = browser.page
make_server = browser.make_server
run_module = browser.run_module

URLS = """
from urllib.parse import *
for text in ("a b/c&d=é", "100%", "%zz%41", "~x_-.", ""):
    print(quote(text), quote_plus(text), quote(text, safe=""), unquote(text), unquote_plus(text))
print(unquote("%C3%A9%20caf%C3%A9"), unquote("%ff"), unquote_plus("a+b%2Bc"))
print(urlencode({"q": "tea & milk", "n": 3}), urlencode([("a", [1, 2])], doseq=True))
print(parse_qs("a=1&a=2&b=&c"), parse_qsl("a=1&b=x+y%21&c=", keep_blank_values=True))
for url in (
    "https://ann:pw@Shop.example:8443/a/b;p?q=1#top", "//host/x", "/only/path?x", "mailto:a@b.c",
    "http://[::1]:80/", "tea", "", "http://h?x=1",
):
    parts = urlsplit(url)
    print(tuple(parts), tuple(urlparse(url)), parts.hostname, parts.port, parts.username)
    print(parts.password, urlunsplit(parts), urlparse(url).geturl(), tuple(urldefrag(url)))
base = "http://a/b/c/d;p?q"
for url in ("g:h", "g", "./g", "g/", "/g", "//g", "?y", "g?y", "#s", "g#s", ";x", "g;x", "", ".",
            "./", "..", "../", "../g", "../..", "../../g", "../../../g", "/./g", "/../g", "g.",
            "..g", "./../g", "g/./h", "g/../h", "g?y/./x", "g#s/../x"):
    print(url, urljoin(base, url))
"""
TYPES = """
from typing import *
from typing import TYPE_CHECKING
T = TypeVar("T")
class Page(Generic[T]):
    def first(self, of: Optional[List[T]] = None) -> "Union[T, None]":
        return of[0]
class Point(NamedTuple):
    x: int
    y: int = 7
    def total(self):
        return self.x + self.y
class Options(TypedDict, total=False):
    name: str
Price = NewType("Price", int)
Old = NamedTuple("Old", [("a", int), ("b", str)])
print(Page().first([3]), Point(1), Point(1, y=2).total(), Options(name="x"), Price(3) + 1)
print(Old(1, "b"), cast(int, "x"), TYPE_CHECKING, T, get_type_hints(Point))
print(Optional[str] == Optional[str], List[int] == List[str], get_args(Dict[str, int]))
def handler(call: Callable[[int], Any], **more: Literal["a", 1]) -> NoReturn:
    pass
"""
OTHERS = """
import copy, heapq, bisect, statistics, textwrap, signal
rows = [{"a": [1]}]
deep, flat = copy.deepcopy(rows), copy.copy(rows)
rows[0]["a"].append(2)
print(deep, flat, heapq.nsmallest(2, [3, 1, 2]), bisect.bisect([1, 3, 5], 4))
print(statistics.mean([1, 2]), statistics.median([1, 3, 2]), textwrap.dedent("  a\\n   b"))
print(textwrap.wrap("the quick brown fox", 10))
"""


@pytest.mark.parametrize("code", [URLS, TYPES, OTHERS], ids=["urllib.parse", "typing", "others"])
def test_code_runs_as_in_cpython(run_module: browser.RunModule, code: str) -> None:
    wanted = io.StringIO()
    with contextlib.redirect_stdout(wanted):
        exec(compile(textwrap.dedent(code), "<wanted>", "exec"), {"__name__": "wanted"})
    # The browser's console trims what each print ends with.
    lines = "\n".join(run_module(code)).splitlines()
    assert [line.rstrip() for line in lines] == [
        line.rstrip() for line in wanted.getvalue().splitlines()
    ]
