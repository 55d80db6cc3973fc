"""Stored XSS: markup in every text that a person can fill, looked at on every page."""

from __future__ import annotations

import importlib
import re
from email import message_from_bytes
from email.policy import default as default_policy
from html.parser import HTMLParser

import pytest
from playwright.sync_api import Browser, expect

from master_template.server_shared import validators as rules
from master_template.server_shared.errors import InvalidError
from tests.product import page_walk
from tests.product.hostile_texts import (
    ATTACKS,
    BY_HAND,
    LOOKED_UP,
    MARK,
    NOT_KEPT,
    SPECS,
    WITH_TEXT,
    Attacked,
    attack_everything,
)
from tests.product.mailbox import body_of, deliver_mail
from tests.product.screens import Screen, tab
from tests.product.studio import Refused, Studio
from tests.product.walking import SERVER_CODE, leaves

# Public addresses at which no page shows what someone typed, and why.
WITHOUT_TEXTS = {
    "/privacy": "the standard text",
    "/cookies": "fixed words",
    "/logo/:name": "a picture",
    "/mail-images/:name": "a picture",
    "/mail-open/:token": "a picture",
    "/mail-click/:token": "leads on",
    "/mail-link/:token": "leads on",
    "/lead.js": "a script without any text of a form",
    "/lead/:form_id": "JSON, whose texts the script sets as text: test_lead_capture.py",
    "/lead/:form_id/seen": "no answer",
    "/lead/confirm/:token": "fixed words",
    "/app": "the app, which the browser walks",
    "/app/:first": "as above",
    "/app/:first/:second/:third/:fourth": "as above",
    "/unsubscribe/:token": "fixed words",
    "/mail-choice/:token": "fixed words",
}


@pytest.fixture(scope="module")
def attacked(empty_studio: Studio) -> Attacked:
    return attack_everything(empty_studio)


def test_no_text_is_forgotten(attacked: Attacked) -> None:
    """Each callable that takes a text got markup, or names why it keeps none."""
    assert WITH_TEXT >= BY_HAND
    assert attacked.called >= BY_HAND, "what is to be called by hand is"
    assert attacked.called | LOOKED_UP | NOT_KEPT == WITH_TEXT
    assert not NOT_KEPT & (attacked.called | BY_HAND)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:window.pwned=1",
        " JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>window.pwned=1</script>",
        "vbscript:x",
        "//evil.example",
        'https://x/"onmouseover=window.pwned=1',
        "https://x/<script>",
        "\x01javascript:x",
    ],
)
def test_no_address_that_runs_is_kept(studio: Studio, address: str) -> None:
    """Every field of the kind WebAddress, wherever it stands."""
    found = [
        (name, path)
        for name, spec in SPECS.items()
        for argument, rule in spec.takes.items()
        for path, leaf in leaves(rule, (argument,))
        if isinstance(leaf, rules.WebAddress)
    ]
    assert ("update_business_profile", ("profile", "social_facebook")) in found
    with studio.person("olga") as olga:
        for name, path in found:
            if name == "update_business_profile":
                with pytest.raises(Refused, match="invalid"):
                    olga.call(name, {path[-1]: address}, 1)
    for _, rule in ((n, r) for s in SPECS.values() for n, r in s.takes.items()):
        for _, leaf in leaves(rule):
            if isinstance(leaf, rules.WebAddress):
                with pytest.raises(InvalidError):
                    leaf.clean(address)


class Elements(HTMLParser):
    """What a browser would make of a page: its classes, names of attributes, addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.classes: set[str | None] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.attributes.add(name)
            if name == "class":
                self.classes.update((value or "").split())
            if name in ("href", "src", "action"):
                self.links.append(value or "")


def assert_is_text(page: str, where: str) -> None:
    """That nothing typed became an element, an attribute that runs, or such a link."""
    elements = Elements()
    elements.feed(page)
    assert MARK not in elements.classes, where
    assert not {name for name in elements.attributes if name.startswith("on")}, where
    assert not [link for link in elements.links if "script:" in link.lower()], where
    assert len(elements.links) > (3 if where.startswith("/") else 0), where


PAGES = ["/", "/terms", "/policies", "/app/no/such/thing", f"/app/{ATTACKS[1]}/x"]


def test_public_pages_show_it_as_text(attacked: Attacked) -> None:
    for path in PAGES:
        attacked.shows(path)
    for path, page in attacked.public.items():
        assert "pwned" in page, f"what was typed is there: {path}"
        assert_is_text(page, path)
        assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]


def test_mails_show_it_as_text(attacked: Attacked) -> None:
    """Those that the attacks themselves have brought about, each by its subject."""
    deliver_mail(attacked.studio)
    with attacked.studio.uplink() as script:
        script.call("send_mails_now")
    subjects = set()
    for file in sorted((attacked.studio.data / "outbox").glob("*.eml")):
        message = message_from_bytes(file.read_bytes(), policy=default_policy)
        assert "\n" not in message["subject"]
        subjects.add(message["subject"])
        assert_is_text(body_of(message), message["subject"])
    assert len(subjects) > 5 and any("pwned" in subject for subject in subjects), subjects


def test_no_public_page_is_forgotten(attacked: Attacked) -> None:
    route = re.compile(r"server\.route\(\n?\s*(PATH \+ )?\"([^\"]+)\"")
    found = set()
    for file in SERVER_CODE.rglob("*.py"):
        parts = file.relative_to(SERVER_CODE).with_suffix("").parts
        for has_base, path in route.findall(file.read_text()):
            module = importlib.import_module(".".join(("master_template", *parts)))
            found.add((module.PATH if has_base else "") + path)
    shown = (*PAGES, *attacked.public)
    missing = []
    for pattern in sorted(found - WITHOUT_TEXTS.keys()):
        wanted = re.compile(re.sub(r":\w+", "[^/]+", pattern))
        if not any(wanted.fullmatch(path) for path in shown):
            missing.append(pattern)
    assert missing == []
    assert WITHOUT_TEXTS.keys() <= found


# Pages on which nothing stands that someone typed, at least not until they are used.
BARE = {
    "/app/account/data",
    "/app/coming/bookings",
    "/app/contacts/export",
    "/app/contacts/new",
    "/app/lead-capture/new",
    "/app/me",
    "/app/segments/new",
    "/app/settings/audit",
    "/app/settings/features",
    "/app/settings/integrations",
    "/app/settings/marketing-mails",
    "/app/settings/scheduled",
    "/app/settings/updates",
}
SHOWS = """() => [...document.querySelectorAll('main, main *')]
    .some(e => (e.value || e.text || e.innerText || '').includes('pwned'))"""
# What typed markup would have made of itself.
LOOK = """mark => ({
    pwned: window.pwned,
    marked: document.querySelectorAll('.' + mark).length,
    protocols: [...document.querySelectorAll('a[href]')].map(a => a.protocol),
})"""
MOVE = """path => {
    for (const title of document.querySelectorAll('h1')) title.dataset.before = 'yes';
    history.pushState(history.state, '', path);
    dispatchEvent(new PopStateEvent('popstate'));
}"""


@pytest.mark.parametrize("who", [None, "olga", "eve"])
@pytest.mark.usefixtures("m3_assets")
def test_nothing_typed_runs_in_a_browser(
    chromium: Browser, attacked: Attacked, who: str | None
) -> None:
    """On every page of the app: as nobody, as who works there, and as a customer."""
    whose = "carl" if who == "eve" else who
    samples = page_walk.SAMPLES | attacked.samples
    paths = [visit.path for visit in page_walk.all_visits(samples) if visit.who == whose]
    paths += [f"/app/contacts?search={ATTACKS[1]}"] if who == "olga" else []
    with tab(chromium, attacked.studio) as screen:
        screen.page.on("dialog", lambda dialog: screen.problems.append(dialog.message))
        screen.open("/app/login")
        if who:
            screen.log_in(who)
            screen.is_at("/app/dashboard" if who == "olga" else "/app/home")
        assert len(paths) > 3
        for path in paths:
            shows_markup_as_text(screen, path)


def shows_markup_as_text(screen: Screen, path: str) -> None:
    """Go to a page, and see that what was typed is there and became nothing but text."""
    page = screen.page
    page.evaluate(MOVE, path)
    page.locator("h1:visible:not([data-before])").first.wait_for()
    expect(page.locator(".mb-bones:visible, .anvil-spinner:visible")).to_have_count(0)
    if path not in BARE:
        page.wait_for_function(SHOWS)
    found = page.evaluate(LOOK, MARK)
    assert (found["pwned"], found["marked"]) == (None, 0), path
    assert set(found["protocols"]) <= {"http:", "https:", "mailto:", "tel:"}, path
    for frame in page.frames[1:]:
        assert frame.locator(f".{MARK}").count() == 0, path
