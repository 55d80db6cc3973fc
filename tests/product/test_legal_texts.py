"""Privacy policy and terms: what is typed, what is published, and what the public page shows."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from threading import Barrier

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from master_template.server_settings.legal_markup import (
    ALLOWED_SCHEMES,
    ALLOWED_TAGS,
    to_html,
    variables_in,
)
from master_template.server_settings.legal_standard import (
    PRIVACY_POLICY,
    STANDARD_VERSION,
    TERMS,
)
from tests.product.studio import Caller, Refused, Studio

EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<svg/onload=alert(1)>",
    "<p style='position:fixed' onclick='alert(1)'>x</p>",
    "<iframe src='https://evil.example'></iframe>",
    "<form action='https://evil.example'><input name=password></form>",
    "<math><mtext><table><mglyph><style><!--</style><img alt='--&gt;&lt;img src=1 onerror=x&gt;'>",
]


def get(studio: Studio, path: str) -> httpx.Response:
    return httpx.get(studio.url + path, timeout=60)


class Finds(HTMLParser):
    """Every element and attribute of some markup, as a browser reads them."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def looks_harmless(page: str) -> bool:
    found = Finds(page)
    links = [value for name, value in found.attributes if name == "href"]
    schemes = {link.split(":")[0].lower() for link in links if re.match(r"\s*[a-z][\w+.-]*:", link)}
    return (
        found.tags <= ALLOWED_TAGS
        and {name for name, _ in found.attributes} <= {"href", "rel", "title", "start"}
        and schemes <= ALLOWED_SCHEMES
    )


@pytest.mark.parametrize("source", EVIL)
def test_only_what_is_on_the_allow_list_gets_through(source: str) -> None:
    assert looks_harmless(to_html(source, {}))


@pytest.mark.parametrize("value", [*EVIL, "javascript:alert(1)", "*not* [bold](x)", '"><b>'])
def test_the_value_of_a_variable_is_never_markup(value: str) -> None:
    source = '# {{name}}\n\n[{{name}}]({{name}}) and <a href="{{name}}">{{name}}</a>'
    page = to_html(source, {"name": value})
    assert looks_harmless(page)
    assert not re.search(r"<(b|em)>", page)


@given(st.text(max_size=300))
def test_whatever_is_typed_is_harmless(source: str) -> None:
    assert looks_harmless(to_html(source, {"name": source}))


def test_markdown_and_pasted_html_are_both_understood() -> None:
    page = to_html("# Title\n\nOne **two**\n\n- a\n- b\n\n<h3>Pasted</h3><p>html</p>", {})
    for piece in ("<h2>Title</h2>", "<strong>two</strong>", "<li>a</li>", "<h3>Pasted</h3>"):
        assert piece in page


def test_the_standard_texts_stand_until_an_owner_publishes(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        found = olga.call("get_legal_texts")
    assert found["texts"]["terms"]["version"] == STANDARD_VERSION
    used = {*variables_in(PRIVACY_POLICY), *variables_in(TERMS)}
    assert used <= set(found["variables"])
    for path, heading in (("/privacy", "Privacy policy"), ("/terms", "Terms and conditions")):
        answer = get(empty_studio, path)
        assert answer.status_code == 200
        assert f"<h1>{heading}</h1>" in answer.text
        assert "Sunrise Yoga" in answer.text
        assert "{{" not in answer.text
        assert len(answer.content) < 100_000
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "it costs 3% of the price" in get(empty_studio, "/terms").text


def test_a_published_text_is_on_the_page_and_its_versions_stay(studio: Studio) -> None:
    with studio.person("olga") as olga:
        first = "# Ours\n\n{{business_name}} & <b>you</b><script>alert(1)</script>"
        answer = olga.call("publish_legal_text", "terms", first, 0)["text"]
        assert (answer["version"], answer["number"]) == ("1", 1)
        page = get(studio, "/terms").text
        assert "<h2>Ours</h2>" in page
        assert "Sunrise Yoga &amp; <b>you</b>" in page
        assert "alert(1)" not in page
        assert "Version 1, in force since" in page
        with pytest.raises(Refused, match="edited_meanwhile"):
            olga.call("publish_legal_text", "terms", "late", 0)
        answer = olga.call("publish_legal_text", "terms", "Second", 1)["text"]
        assert [version["number"] for version in answer["versions"]] == [2, 1]
        assert olga.call("get_legal_source", "terms", 1)["source"] == first
        again = olga.call("publish_legal_text", "terms", "Second", 2)["text"]
        assert again["number"] == 2  # the same words are no new version
    for change in ("UPDATE app.legal_texts SET source = 'x'", "DELETE FROM app.legal_texts"):
        with pytest.raises(psycopg.Error, match="legal_texts_append_only"):
            studio.query(change)
    entries = studio.query(
        "SELECT changes FROM app.audit_log WHERE action = 'publish' ORDER BY logged_at"
    )
    assert [dict(changes)["version"] for (changes,) in entries] == [
        [STANDARD_VERSION, "1"],
        ["1", "2"],
    ]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{owner_secret}}", 'There is no variable called "owner_secret"'),
        ("", "required"),
        ("<script>alert(1)</script>", "Nothing of this text could be shown"),
        ("- [x](/y)\n" * 5_000, "too long for a page"),
    ],
    ids=["variable", "empty", "nothing", "long"],
)
def test_a_text_that_cannot_be_shown_is_refused_at_its_field(
    studio: Studio, source: str, words: str
) -> None:
    with studio.person("olga") as olga, pytest.raises(Refused) as refused:
        olga.call("publish_legal_text", "privacy_policy", source, 0)
    assert words in refused.value.fields["source"]


def test_two_who_publish_at_once_make_one_version(studio: Studio) -> None:
    with studio.person("olga") as one, studio.person("olga") as other:
        start = Barrier(2)

        def publish(caller: Caller, source: str) -> str:
            start.wait()
            answer = caller.answer("publish_legal_text", "privacy_policy", source, 0)
            return "published" if answer["success"] else str(answer["code"])

        with ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(publish, one, "One"), pool.submit(publish, other, "Other")]
            outcomes = sorted(call.result() for call in calls)
    assert outcomes[1] == "published"
    assert outcomes[0] in ("busy", "edited_meanwhile")
    kept = "SELECT number FROM app.legal_texts WHERE kind = 'privacy_policy'"
    assert studio.query(kept) == [(1,)]
    # The net below: the database knows each version once.
    with pytest.raises(psycopg.errors.UniqueViolation):
        studio.query(
            "INSERT INTO app.legal_texts (kind, number, source, published_at) "
            "VALUES ('privacy_policy', 1, 'x', now())"
        )


def test_a_preview_shows_the_page_and_publishes_nothing(studio: Studio) -> None:
    with studio.person("mia") as mia:
        page = mia.call("preview_legal_text", "privacy_policy", "# Draft", "dark")["html"]
    assert "<h2>Draft</h2>" in page
    assert "prefers-color-scheme" not in page
    assert "Draft" not in get(studio, "/privacy").text
