"""The public pages as one sees them: nothing that axe-core minds, nothing too wide, all small."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser

from tests.product.screens import DESK, PHONE
from tests.product.studio import Studio
from tests.product.test_accessibility import violations

PAGES = ["/", "/privacy", "/terms", "/policies", "/cookies", "/reviews", "/app/no/such/page"]
NARROW = {"width": 320, "height": 640}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE, NARROW], ids=["desk", "phone", "narrow"])
def test_nobody_is_shut_out(
    chromium: Browser, studio: Studio, size: dict[str, int], scheme: str
) -> None:
    context = chromium.new_context(
        viewport=size,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        bypass_csp=True,
    )
    try:
        page = context.new_page()
        for path in PAGES:
            page.goto(studio.url + path)
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
    finally:
        context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_small_and_complete_in_itself(studio: Studio, path: str) -> None:
    answer = httpx.get(studio.url + path)
    assert len(answer.content) < 100_000
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for link in ("/privacy", "/terms", "/cookies"):
        assert f'href="{link}"' in answer.text
