"""The language of mail templates: what it refuses, and that values can never be markup."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master_template.server_emails import mail_layout
from master_template.server_emails.mail_templates import MAIL_TEMPLATES
from master_template.server_emails.template_language import (
    check,
    inline_html,
    inline_text,
    read_blocks,
    render_line,
    render_markup,
)
from master_template.server_shared.config import Business
from master_template.server_shared.errors import InvalidError

NAMES = {"name": "Ann", "link": "https://example.com/a_b?c=(1)&d=2"}
BUSINESS = Business("Sun & Söhne <Yoga>", email="hi@example.com", locale="de-DE")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("Hello {{ nmae }}", "no variable called “nmae”"),
        ("{{ name", "is not closed"),
        ("{% for x in name %}{{ x }}{% endfor %}", "only variables"),
        ('{{ "a" * 1000000000 }}', "only variables"),
        ("{{ name.__class__ }}", "only variables"),
        ("{{ name[0] }}", "only variables"),
        ("{{ name() }}", "only variables"),
        ("{{ name|attr('x') }}", "no filter called “attr”"),
        ("{{ name|center(99999999) }}", "no filter called “center”"),
        ("{% set name = 1 %}", "only variables"),
        ("{% include 'x' %}", "only variables"),
        ("{% if name %}x", "is not closed"),
        ("{{ cycler }}", "no variable called “cycler”"),
        ("line one\nline two {{ oops }}", "line 2"),
    ],
)
def test_refuses_what_a_template_may_not_say(source: str, reason: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check("The text", source, NAMES)
    assert reason in refused.value.message.lower() or reason in refused.value.message


@pytest.mark.parametrize("template", MAIL_TEMPLATES.values(), ids=lambda each: each.name)
def test_our_own_templates_pass_their_check(template) -> None:
    check("The subject", template.subject, template.samples)
    check("The text", template.body, template.samples)
    markup = render_markup(template.body, template.samples)
    html = mail_layout.html_of("Subject", markup, BUSINESS)
    text = mail_layout.text_of(markup, BUSINESS)
    for name in template.required:
        assert template.samples[name] in html
        assert template.samples[name] in text
    assert "**" not in html and "](" not in html and "\\" not in text


def test_markup_becomes_html_and_text() -> None:
    source = (
        "# Hi {{ name }}\n\nOne **bold** and *slanted*\nnext line\n\n"
        "- a\n- b\n\n[Go on]({{ link }})"
    )
    markup = render_markup(source, NAMES)
    assert [block.kind for block in read_blocks(markup)] == [
        "heading",
        "paragraph",
        "list",
        "button",
    ]
    html = mail_layout.html_of("S", markup, BUSINESS)
    assert "One <b>bold</b> and <i>slanted</i><br>next line" in html
    assert "<li>a</li><li>b</li>" in html
    assert 'href="https://example.com/a_b?c=(1)&amp;d=2"' in html
    assert "Sun &amp; Söhne &lt;Yoga&gt;" in html
    text = mail_layout.text_of(markup, BUSINESS)
    assert "HI ANN" in text
    assert "Go on:\nhttps://example.com/a_b?c=(1)&d=2" in text


@pytest.mark.parametrize(
    "address", ["javascript:alert`1`", "data:text/html,x", "//evil.example", "vbscript:x", "/app"]
)
def test_a_link_leads_to_the_web_or_nowhere(address: str) -> None:
    html = inline_html(f"see [here]({address})")
    assert html == "see here"
    assert inline_text(f"see [here]({address})") == "see here"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=60)


@given(
    VALUES | st.sampled_from(["[x](https://evil.example)", "**b**", "\\", "\\[", "<script>", "- "])
)
def test_a_value_is_only_ever_text(value: str) -> None:
    """Whatever a person's name holds: it is seen as it was typed, and makes no element."""
    markup = render_markup("{{ name }}", {"name": "x" + value + "x"})
    [block] = read_blocks(markup)
    assert block.kind == "paragraph"
    tags = Tags()
    tags.feed(inline_html(block.lines[0]) + "<end>")
    assert tags.seen == ["end"]
    assert tags.text == "x" + value + "x"
    assert inline_text(block.lines[0]) == "x" + value + "x"


def test_a_subject_is_one_line() -> None:
    assert render_line("Hi {{ name }}\nBcc: all", {"name": "Ann"}) == "Hi Ann Bcc: all"
