"""Marketing mails in words: values are never markup, links lead where they should, the law's footer
is always there, and what cannot be sent is refused at its field."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master_template.server_emails import mail_blocks, marketing_layout, merge_fields
from master_template.server_emails.mail_blocks import EMPTY_CONTENT, MailContent, from_markdown
from master_template.server_emails.marketing_layout import Footer, RenderedMail
from master_template.server_marketing import mail_hints
from master_template.server_shared.config import Business
from master_template.server_shared.errors import InvalidError

BUSINESS = Business("Sun & Söhne <Yoga>", email="hi@example.com", locale="de-DE")
ORIGIN = "https://yoga.example"
UNSUBSCRIBE = f"{ORIGIN}/unsubscribe/token.1"
FOOTER = Footer(("Sun & Söhne", "1 Main Road, Cape Town"), UNSUBSCRIBE, "You agreed to this.")
IMAGE = "0123456789abcdef-900x600.jpg"


def mail(*blocks: dict[str, Any], subject: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"subject": subject, "blocks": list(blocks), **more}


def made(content: dict[str, Any], redirect: Any = None, **values: str) -> RenderedMail:
    return marketing_layout.render(
        mail_blocks.check_ready(content),
        values,
        BUSINESS,
        FOOTER,
        origin=ORIGIN,
        redirect=redirect,
    )


class Reader(HTMLParser):
    """What a mail program would make of some HTML."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.tags.append(tag)
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag == "img":
            self.images.append(given)
        if tag in ("img", "link", "script", "iframe"):
            self.loaded.append(given.get("src") or given.get("href") or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def refusal(content: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidError) as refused:
        mail_blocks.check_ready(content)
    return refused.value.fields


TEXT = {"kind": "text", "markdown": "Hello {{ first_name | “there” }}, see [this](/book)."}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_value_is_text_and_nothing_else(value: str) -> None:
    content = mail(
        {"kind": "heading", "text": "For {{ company }}"},
        {"kind": "text", "markdown": "**{{ company }}** and [{{ company }}](https://x.example)"},
        {"kind": "button", "label": "{{ company }}", "link": "https://x.example/?n={{ company }}"},
        subject="{{ company }}",
    )
    plain = Reader(made(content, company="Plain").html)
    odd_mail = made(content, company=value)
    odd = Reader(odd_mail.html)
    assert odd.tags == plain.tags
    assert [urlsplit(link).netloc for link in odd.links] == [
        urlsplit(link).netloc for link in plain.links
    ]
    [button] = [link for link in odd.links if "?n=" in link]
    assert parse_qs(urlsplit(button).query, keep_blank_values=True)["n"] == [value]
    assert "\n" not in odd_mail.subject


@pytest.mark.parametrize(
    ("values", "expected"), [({"first_name": "Zoë"}, "Hello Zoë,"), ({}, "Hello there,")]
)
def test_a_field_has_a_fall_back(values: dict[str, str], expected: str) -> None:
    found = made(mail(TEXT), **values)
    assert expected in Reader(found.html).text
    assert expected in found.text


def test_nothing_is_loaded_but_the_businesss_own_pictures() -> None:
    image = {"kind": "image", "image": IMAGE, "alt": "Mats", "width": 50}
    page = made(mail(TEXT, image)).html
    assert Reader(page).loaded == [f"{ORIGIN}/mail-images/{IMAGE}"]
    assert "@import" not in page and "url(" not in page


def test_a_picture_is_never_wider_than_it_is() -> None:
    small = {"kind": "image", "image": "0123456789abcdef-120x80.png", "alt": "A “logo”"}
    large = {"kind": "image", "image": IMAGE, "alt": "", "width": 50}
    first, second = Reader(made(mail(TEXT, small, large)).html).images
    assert (first["width"], first["alt"]) == ("120", "A “logo”")
    assert second["width"] == "272"


def test_every_mail_says_whose_it_is_and_how_to_end_it() -> None:
    for content in (mail(TEXT), from_markdown("Hi", "Short")):
        found = made(content)
        page = Reader(found.html)
        assert page.links[-1] == UNSUBSCRIBE
        for words in ("Sun & Söhne", "1 Main Road, Cape Town", "You agreed to this."):
            assert words in page.text and words in found.text
        assert UNSUBSCRIBE in found.text


def test_links_are_counted_but_for_the_one_that_ends_it() -> None:
    content = mail(
        TEXT,
        {"kind": "text", "markdown": "[call](tel:+27215550100) [write](mailto:a@b.example)"},
        {"kind": "button", "label": "Go", "link": "www.example.com/a?b=1&c=2"},
    )
    page = Reader(made(content, redirect=lambda link: "https://count.example/?" + link).html)
    assert "https://count.example/?https://www.example.com/a?b=1&c=2" in page.links
    assert f"https://count.example/?{ORIGIN}/book" in page.links
    assert page.links[-1] == UNSUBSCRIBE
    assert {"tel:+27215550100", "mailto:a@b.example"} <= set(page.links)


def test_html_that_someone_writes_is_shown_as_it_is_written() -> None:
    content = mail(
        {"kind": "text", "markdown": '<script>alert(1)</script> <img src=x onerror="x">'},
        {"kind": "heading", "text": "</mj-text><mj-raw><script>"},
        {"kind": "text", "markdown": "[x](javascript:alert(1)) ![y](https://evil.example/p.png)"},
    )
    page = Reader(made(content).html)
    assert not {"script", "mj-raw"} & set(page.tags)
    assert page.images == []
    assert "<script>alert(1)</script>" in page.text and "</mj-text><mj-raw>" in page.text
    assert not [link for link in page.links if "javascript" in link]


def test_one_text_is_the_same_as_its_blocks() -> None:
    text = "# Autumn\n\nHello **you**.\n\n[Book](https://x.example)\n\n---\n\n- one\n- two"
    blocks = mail(
        {"kind": "heading", "text": "Autumn"},
        {"kind": "text", "markdown": "Hello **you**."},
        {"kind": "button", "label": "Book", "link": "https://x.example"},
        {"kind": "divider"},
        {"kind": "text", "markdown": "- one\n- two"},
    )
    assert made(from_markdown("Hello", text)) == made(blocks)


def test_the_plain_text_says_all_that_there_is_to_read() -> None:
    content = mail(
        {"kind": "heading", "text": "Autumn"},
        {"kind": "text", "markdown": "1. one\n2. **two**\n\nSee [here](https://x.example/a)."},
        {
            "kind": "columns",
            "columns": [
                [{"kind": "text", "markdown": "Left"}],
                [{"kind": "button", "label": "Right", "link": "/r"}],
            ],
        },
    )
    text = made(content).text
    for words in ("Autumn", "1. one\n2. two", "here (https://x.example/a).", "Left", f"{ORIGIN}/r"):
        assert words in text
    assert "*" not in text


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        (mail(TEXT, subject=""), "content.subject", "required"),
        (mail(), "content.blocks", "says nothing"),
        (mail(TEXT, subject="Hi {{ nmae }}"), "content.subject", "no field called"),
        (mail({"kind": "text", "markdown": "Hi {{ first_name"}), "content.blocks.0.markdown", "{{"),
        (mail(TEXT, {"kind": "button", "label": "Go"}), "content.blocks.1.link", "required"),
        (
            mail(TEXT, {"kind": "button", "label": "Go", "link": "javascript:alert(1)"}),
            "content.blocks.1.link",
            "a link like",
        ),
        (
            mail(TEXT, {"kind": "button", "label": "Go", "link": "https://{{ city }}.example/"}),
            "content.blocks.1.link",
            "name of the site",
        ),
        (
            mail(TEXT, {"kind": "image", "image": "https://x.example/a.png"}),
            "content.blocks.1.image",
            "choose a picture",
        ),
        (mail({"kind": "video"}), "content.blocks.0.kind", "must be one of"),
        (
            mail(
                {"kind": "columns", "columns": [[TEXT], [{"kind": "columns", "columns": [[], []]}]]}
            ),
            "content.blocks.0.columns.1.0.kind",
            "must be one of",
        ),
        ({"subject": "x", "format": "markdown"}, "content.markdown", "says nothing"),
        (
            {"subject": "x", "format": "markdown", "markdown": "[Go](javascript:x)"},
            "content.markdown",
            "a link like",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field(
    content: dict[str, Any], field: str, words: str
) -> None:
    assert words in refusal(content)[field]


def test_a_draft_may_be_unfinished_but_not_wrong() -> None:
    draft = MailContent("The mail")
    assert draft.clean({})["blocks"] == []
    assert draft.clean({"blocks": [{"kind": "button"}]})["blocks"][0]["link"] == ""
    assert set(draft.clean({"other": 1})) == set(EMPTY_CONTENT)
    for wrong in ({"subject": "{{ x }}"}, {"blocks": "no"}, "no", {"blocks": [TEXT] * 61}):
        with pytest.raises(InvalidError):
            draft.clean(wrong)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (mail(TEXT, subject="BUY IT NOW TODAY"), "capitals"),
        (mail(TEXT, subject="Now!!"), "Repeated"),
        (mail(TEXT, subject="Re: your order"), "pretends"),
        (mail(TEXT, subject="x" * 90), "90 characters"),
        (mail(TEXT), "preview text"),
        (mail(TEXT, {"kind": "image", "image": IMAGE}), "without a description"),
        (mail({"kind": "image", "image": IMAGE, "alt": "All"}), "hardly any text"),
        (
            mail(TEXT, {"kind": "button", "label": "x", "link": "https://bit.ly/x"}),
            "shortened by bit.ly",
        ),
        (mail({"kind": "text", "markdown": "[x](http://a.example)"}), "not encrypted"),
    ],
)
def test_hints_say_what_looks_like_spam(content: dict[str, Any], words: str) -> None:
    found = mail_hints.find_hints(MailContent("Mail").clean(content), 20_000)
    assert any(words in hint.text for hint in found)


def test_a_mail_that_gmail_cuts_off_is_told() -> None:
    content = MailContent("Mail").clean(mail(TEXT, preheader="Hi"))
    assert mail_hints.find_hints(content, mail_hints.CLIPPED_BYTES) == []
    [hint] = mail_hints.find_hints(content, mail_hints.CLIPPED_BYTES + 1)
    assert "Gmail" in hint.text and hint.level == mail_hints.WARNING


def test_an_everyday_mail_is_far_from_being_cut_off() -> None:
    blocks = [TEXT, {"kind": "button", "label": "Go", "link": "/book"}] * 10
    assert len(made(mail(*blocks)).html.encode()) < 40_000


def test_every_field_can_be_filled_in_for_a_sample_person() -> None:
    values = merge_fields.values_of(None, BUSINESS)
    assert set(values) == set(merge_fields.FIELDS)
    text = " ".join(f"{{{{ {name} }}}}" for name in values)
    merge_fields.check("Text", text)
    assert "{{" not in made(mail({"kind": "text", "markdown": text}), **values).html


def test_outlook_gets_columns_it_understands() -> None:
    columns = {"kind": "columns", "columns": [[TEXT], [TEXT], [TEXT]]}
    page = made(mail(columns)).html
    assert len(re.findall(r"<!--\[if mso \| IE\]><td style=\"vertical-align:top;width:200px", page))
    assert "prefers-color-scheme: dark" in page
