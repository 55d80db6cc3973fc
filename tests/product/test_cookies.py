"""The cookie banner of the public pages: plain HTML, remembered in the browser, asked once."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, expect

from master_template.server_site.cookie_choice import back_to, read_choice
from tests.product.screens import PHONE
from tests.product.studio import Studio

PAGES = ("/", "/privacy", "/terms", "/policies", "/cookies")


@pytest.mark.parametrize("path", PAGES)
def test_no_cookie_is_set_before_the_visitor_says_so(studio: Studio, path: str) -> None:
    answer = httpx.get(studio.url + path)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "Cookie" in answer.headers["vary"]
    assert re.findall(r"<script(?! type=\"application/ld\+json\")", answer.text) == []
    assert "Only necessary" in answer.text


@pytest.mark.parametrize("choice", ["all", "necessary"])
def test_the_answer_is_kept_in_the_browser(studio: Studio, choice: str) -> None:
    with httpx.Client(base_url=studio.url) as visitor:
        answer = visitor.post("/cookies", data={"choice": choice, "next": "/terms"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/terms")
        assert visitor.cookies["cookie_choice"] == choice
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "Only necessary" not in visitor.get("/terms").text
        page = visitor.get("/cookies").text
        words = {"all": "accepted all", "necessary": "accepted only the necessary"}
        assert words[choice] in page
        assert "Only necessary" in page  # one can change one's mind


@pytest.mark.parametrize("choice", ["", "maybe", "all; Domain=evil.example", "all\r\nX: y"])
def test_what_is_no_answer_sets_nothing(studio: Studio, choice: str) -> None:
    answer = httpx.post(studio.url + "/cookies", data={"choice": choice})
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/x\r\nSet-Cookie: a=b",
        "",
        None,
    ],
)
def test_it_sends_nobody_to_another_site(path: str | None) -> None:
    assert back_to(path) == "/"
    assert back_to("/privacy") == "/privacy"


@pytest.mark.parametrize("header", ["", "cookie_choice=evil", "a=b; cookie_choice", ";;==\x00"])
def test_a_broken_cookie_is_no_answer(header: str) -> None:
    assert read_choice({"cookie": header}) is None


def test_it_works_without_javascript(chromium: Browser, studio: Studio) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport=PHONE)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.goto(studio.url + "/privacy")
        banner = page.get_by_role("complementary", name="Cookies")
        expect(banner).to_be_in_viewport()
        banner.get_by_role("button", name="Only necessary").click()
        expect(page).to_have_url(studio.url + "/privacy")
        expect(banner).to_have_count(0)
        page.reload()
        expect(banner).to_have_count(0)
        page.get_by_role("link", name="Cookies").click()
        expect(page.get_by_role("status")).to_contain_text("only the necessary")
    finally:
        context.close()
