"""The public home page: plain, fast, safe HTML."""

from __future__ import annotations

import html
import json
import re

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from master_template.server_site.colours import contrast, palette
from tests.product.studio import Studio


def get(studio: Studio, path: str) -> httpx.Response:
    return httpx.get(studio.url + path, timeout=60)


def test_shows_the_business_without_javascript(studio: Studio) -> None:
    answer = get(studio, "/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    page = answer.text
    assert "<h1>Move, breathe, come home to yourself</h1>" in page
    assert "14 Bree Street" in page
    assert 'href="tel:+27215550100"' in page
    assert re.findall(r"<script(?! type=\"application/ld\+json\")", page) == []
    assert len(answer.content) < 100_000
    assert re.search(r'<meta name="viewport"', page)
    assert re.search(r'<meta property="og:title" content="Sunrise Yoga">', page)


def test_structured_data_is_json_that_says_who_this_is(studio: Studio) -> None:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', get(studio, "/").text)
    assert found
    data = json.loads(found.group(1))
    assert (data["@type"], data["name"]) == ("LocalBusiness", "Sunrise Yoga")


def test_nothing_that_an_owner_types_becomes_markup(studio: Studio) -> None:
    evil = "</script><script>alert(1)</script>\"'&<b>"
    with studio.person("olga") as olga:
        settings = olga.call("get_settings")["settings"]
        changes = {"business_name": evil, "description": evil, "tagline": evil}
        saved = olga.call("update_business_profile", changes, settings["version"])["settings"]
        try:
            page = get(studio, "/").text
        finally:
            back = {name: settings[name] for name in changes}
            olga.call("update_business_profile", back, saved["version"])
    assert "<script>alert" not in page
    assert "<b>" not in page
    assert html.escape(evil, quote=False).split("&quot;")[0][:20] in page


def test_an_unknown_page_of_the_app_is_404_and_says_so(studio: Studio) -> None:
    answer = get(studio, "/app/no/such/thing")
    assert answer.status_code == 404
    assert "No such page" in answer.text


@pytest.mark.parametrize("path", ["/app", "/app/contacts", "/app/contacts/C-1", "/app/settings"])
def test_a_stranger_gets_the_log_in_for_a_page_of_the_app(studio: Studio, path: str) -> None:
    page = get(studio, path).text
    assert "master_template.auth.LoginForm" in page
    assert "ContactDetailForm" not in page


@example("#ffffff")
@example("#000000")
@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_any_brand_colour_gives_readable_text(colour: str) -> None:
    made = palette(colour, "#c46a3a")
    assert contrast(made["primary"], made["on_primary"]) >= 4.5
    assert contrast(made["link"], "#fbfaf7") >= 4.5
    assert contrast(made["primary_dark"], "#141816") >= 4.5
    assert contrast(made["primary_dark"], "#10201b") >= 4.5
