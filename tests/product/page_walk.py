"""Every page of the app, for tests that look at all of them: read from the app's own addresses,
so that a new page cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, expect

from master_template.settings.sections import SECTIONS
from master_template.shared import routes
from tests.product.screens import DESK, Screen, tab
from tests.product.studio import Studio

# What stands for a `:name` in an address; a new one has to be added here.
SAMPLES = {
    "/app/campaigns/:campaign_id": ["no-such-campaign"],
    "/app/campaigns/:campaign_id/people": ["no-such-campaign"],
    "/app/broadcasts/:broadcast_id": ["no-such-broadcast"],
    "/app/contacts/:contact_id": ["C-1"],
    "/app/contacts/:contact_id/edit": ["C-1"],
    "/app/contacts/:contact_id/merge/:other_id": ["C-1/merge/C-2"],
    "/app/contacts/imports/:import_id": ["imp-none"],
    "/app/lead-capture/:form_id": ["fabcdefghjkm"],
    "/app/sends/:source": ["broadcast:none"],
    "/app/tasks/:task_id": ["1-1"],
    "/app/settings/:section": [section.name for section in SECTIONS],
    "/app/coming/:section": ["bookings"],
    "/app/segments/:segment_id": ["S-1"],
    "/app/invitation/:token": ["no-such-invitation"],
}
# Who opens the pages of each kind.
VISITORS = {routes.PUBLIC: None, routes.STAFF: "olga", routes.USER: "carl"}


@dataclass(frozen=True)
class Visit:
    """A page to open: its address, and whose it is."""

    path: str
    who: str | None


def all_visits(samples: Mapping[str, list[str]] = SAMPLES) -> list[Visit]:
    """One for each page; several for one that has parts."""
    visits = []
    for pattern, _form, who in routes.PAGES:
        if ":" not in pattern:
            visits.append(Visit(pattern, VISITORS[who]))
            continue
        assert pattern in samples, f"page_walk.SAMPLES needs a sample for {pattern}"
        start, _, rest = pattern.partition(":")
        end = rest[rest.index("/") :] if "/" in rest else ""
        for sample in samples[pattern]:
            # Of an address with several names the sample is all that follows the first.
            rest_of_it = sample if ":" in end else sample + end
            visits.append(Visit(start + rest_of_it, VISITORS[who]))
    return visits


def settle(page: Page) -> None:
    """Wait until the page is there, with what it had to load."""
    expect(page.get_by_role("heading", level=1).first).not_to_be_empty()
    expect(page.locator(".mb-bones:visible, .anvil-spinner:visible")).to_have_count(0)
    page.evaluate("document.fonts.ready.then(() => true)")


class Walkers:
    """The people who visit the pages, each in one tab of their own."""

    def __init__(self, chromium: Browser, studio: Studio, stack: ExitStack):
        self._open = lambda who: stack.enter_context(tab(chromium, studio, who))
        self._screens: dict[str | None, Screen] = {}

    def screen(self, who: str | None) -> Screen:
        if who not in self._screens:
            self._screens[who] = self._open(who)
        return self._screens[who]

    def visit(self, visit: Visit) -> Screen:
        """The page, open and loaded."""
        screen = self.screen(visit.who)
        screen.page.set_viewport_size(DESK)  # type: ignore[arg-type]
        screen.open(visit.path)
        settle(screen.page)
        return screen


@contextmanager
def walkers(chromium: Browser, studio: Studio) -> Iterator[Walkers]:
    with ExitStack() as stack:
        yield Walkers(chromium, studio, stack)
