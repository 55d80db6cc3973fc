"""A person at a real browser: how tests find their way around the app's screens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.product.studio import DOMAIN, PASSWORD, Studio

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 850}
PATIENCE_MS = 30_000


class Screen:
    """One tab of one person. Errors that the app shows or logs are collected in ``problems``."""

    def __init__(self, page: Page, studio: Studio):
        self.page = page
        self.studio = studio
        self.problems: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on(
            "console",
            lambda message: self.problems.append(message.text) if message.type == "error" else None,
        )

    def open(self, path: str) -> None:
        self.page.goto(self.studio.url + path)

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def type(self, label: str, text: str) -> None:
        """Type into a field as a person does, and leave it."""
        self.field(label).fill(text)
        self.field(label).press("Tab")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def is_at(self, path: str) -> None:
        expect(self.page).to_have_url(self.studio.url + path)

    def heading(self, text: str) -> None:
        expect(self.page.get_by_role("heading", name=text, level=1)).to_be_visible()

    def log_in(self, name: str, password: str = PASSWORD) -> None:
        """Fill in the log-in form that is open."""
        self.field("E-mail").fill(f"{name}@{DOMAIN}")
        self.field("Password").fill(password)
        self.press("Log in")


@contextmanager
def tab(
    chromium: Browser, studio: Studio, who: str | None = None, size: dict[str, int] | None = None
) -> Iterator[Screen]:
    """A new browser with nothing in it; logged in at the dashboard where ``who`` is given."""
    context: BrowserContext = chromium.new_context(
        viewport=size or DESK,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    try:
        screen = Screen(context.new_page(), studio)
        if who:
            screen.open("/app/login")
            screen.log_in(who)
            screen.is_at("/app/home" if who == "carl" else "/app/dashboard")
        yield screen
        assert not screen.problems, "\n".join(screen.problems)
    finally:
        context.close()
