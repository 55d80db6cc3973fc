"""Who got a mail, and who gets none: the pages, at a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.product.screens import Screen, tab
from tests.product.studio import Studio

# A broadcast of which each contact of the sample data has a row, of every kind.
LEDGER = """
INSERT INTO app.mail_contents (content_id, source, content_hash, title, subject, content,
  created_at)
VALUES ('c1', 'broadcast:spring', 'h1', 'Spring timetable', 'Our spring timetable', '{}', now());
INSERT INTO app.mail_sends (send_key, source, key, content, contact, contact_number,
  recipient_email, state, reason, detail, attempts, planned_at, due_at, started_at, settled_at,
  provider, opened_at)
SELECT 's' || number, 'broadcast:spring', 'mail', (SELECT max(_id) FROM app.mail_contents), _id,
  number, email, state,
  CASE state WHEN 'skipped' THEN 'not_opted_in' WHEN 'failed' THEN 'refused'
    WHEN 'unknown' THEN 'timed_out' END,
  CASE state WHEN 'failed' THEN 'The mail server refused the recipient: no such mailbox'
    WHEN 'unknown' THEN 'The mail server smtp.example.com could not be reached.' END,
  1, now(), CASE state WHEN 'planned' THEN now() + interval '1 hour' END,
  CASE WHEN state IN ('sent', 'failed', 'unknown') THEN now() END,
  CASE WHEN state <> 'planned' THEN now() END, 'smtp',
  CASE WHEN state = 'sent' AND number % 2 = 0 THEN now() END
FROM (SELECT *, CASE WHEN number % 7 = 1 THEN 'skipped' WHEN number = 3 THEN 'failed'
  WHEN number = 5 THEN 'unknown' WHEN number % 7 = 4 THEN 'planned' ELSE 'sent' END AS state
  FROM app.contacts WHERE number <= 40) AS contacts;
"""
SHOTS = os.environ.get("MYBIZZ_SHOTS")


@pytest.fixture(scope="module")
def reported(studio: Studio) -> Studio:
    studio.query(LEDGER)
    return studio


@pytest.fixture
def screen(chromium: Browser, reported: Studio) -> Iterator[Screen]:
    with tab(chromium, reported, "olga") as screen:
        yield screen


def shoot(screen: Screen, name: str) -> None:
    """Pictures of the page, where MYBIZZ_SHOTS names a folder."""
    if not SHOTS:
        return
    for scheme in ("light", "dark"):
        screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (1280, 390):
            screen.page.set_viewport_size({"width": width, "height": 850})
            file = Path(SHOTS) / f"{name}-{width}-{scheme}.png"
            screen.page.screenshot(path=file, full_page=True)
    screen.page.set_viewport_size({"width": 1280, "height": 850})
    screen.page.emulate_media(color_scheme="light")


def test_the_report_says_who_got_it_and_lets_a_person_decide(
    screen: Screen, reported: Studio
) -> None:
    screen.open("/app/sends/broadcast:spring")
    screen.heading("Spring timetable")
    screen.sees("40 recipients")
    shoot(screen, "report")
    unknown = screen.page.get_by_role("button", name="1 Nobody knows")
    unknown.click()
    screen.sees("1 recipient")
    expect(unknown).to_have_attribute("aria-pressed", "true")
    assert "outcome=unknown" in screen.page.url
    screen.page.get_by_role("button", name="Decide").click()
    shoot(screen, "decide")
    screen.press("It did")
    expect(screen.page.get_by_role("button", name="0 Nobody knows")).to_be_visible()
    found = "SELECT state, decided_by FROM app.mail_sends WHERE send_key = 's5'"
    assert reported.query(found) == [("sent", "Olga Naidoo")]
    screen.page.get_by_role("button", name="1 Failed").click()
    screen.sees("no such mailbox")
    with screen.page.expect_download() as download:
        screen.press("Download")
    assert download.value.suggested_filename == "broadcast-spring-recipients.csv"


def test_the_limit_of_an_hour_is_set_with_its_reason(screen: Screen, reported: Studio) -> None:
    screen.open("/app/sends/broadcast:spring")
    screen.sees("50 mails an hour")
    screen.press("Change the limit")
    screen.type("Mails an hour", "51")
    screen.press("Save")
    screen.sees("at most 50, not 51")
    screen.type("Mails an hour", "20")
    screen.press("Save")
    screen.sees("20 mails an hour")


def test_an_address_is_put_on_the_list_and_taken_off(screen: Screen, reported: Studio) -> None:
    screen.open("/app/suppressions")
    screen.sees("Everybody may get your mails")
    screen.type("E-mail", "nobody")
    screen.press("Add")
    screen.sees("must be")
    screen.type("E-mail", "Tired.Reader@example.com")
    screen.type("Why", "Asked at the desk")
    screen.press("Add")
    screen.sees("tired.reader@example.com")
    shoot(screen, "suppressions")
    screen.page.get_by_role("button", name="Take tired.reader@example.com off the list").click()
    screen.press("Take off")
    screen.sees("Everybody may get your mails")
