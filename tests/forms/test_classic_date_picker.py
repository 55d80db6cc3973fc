"""DatePicker: dates and times in and out, format, bounds, typing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def field(play: Playground) -> Locator:
    return play.find("input")


def test_a_date_goes_in_and_out(play: Playground) -> None:
    play.run(
        """
        picker = DatePicker(date=datetime.date(2024, 2, 29))
        panel.add_component(picker)
        """
    )
    expect(field(play)).to_have_value("2024-02-29")
    assert play.run("result = [type(picker.date).__name__, str(picker.date)]") == [
        "date",
        "2024-02-29",
    ]
    play.run("picker.date = None")
    assert play.run("result = [picker.date]") == [None]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("'2016-09-27'", "2016-09-27"),
        ("'27 09 2016'", "2016-09-27"),
        ("''", "None"),
        ("datetime.date(999, 1, 2)", "0999-01-02"),
    ],
)
def test_takes_text_in_the_format_or_in_iso(play: Playground, written: str, read: str) -> None:
    code = f"result = str(DatePicker(format='%d %m %Y', date={written}).date)"
    assert play.run(code) == read


def test_reads_month_names_and_half_days(play: Playground) -> None:
    code = """
    picker = DatePicker(pick_time=True, format="%d %b %Y, %I:%M %p", date="3 March 2026, 1:05 pm")
    result = str(picker.date)[:16]
    """
    assert play.run(code) == "2026-03-03 13:05"


def test_times_come_with_the_browsers_timezone(play: Playground) -> None:
    play.run(
        """
        import anvil.tz
        aware = datetime.datetime(2026, 5, 6, 12, 0, tzinfo=anvil.tz.tzutc())
        picker = DatePicker(pick_time=True, date=aware)
        panel.add_component(picker)
        """
    )
    assert play.run("result = picker.date == aware") is True
    assert play.run("result = picker.date.tzinfo is not None") is True
    field(play).fill("2026-05-06T07:30")
    assert play.run("result = str(picker.date)[:16]") == "2026-05-06 07:30"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "DatePicker(date=datetime.datetime(2026, 1, 1))",
            "ValueError: Cannot display a datetime object on a DatePicker without setting "
            "pick_time to True.",
        ),
        (
            "DatePicker(date=5)",
            "TypeError: DatePicker.date must be a date, a datetime, a string or None, not int",
        ),
        ("DatePicker(date='soon')", "ValueError: DatePicker.date: 'soon' is not an ISO date"),
        (
            "DatePicker(format='%d.%m.%Y', max_date='31.02.2026')",
            "ValueError: DatePicker.max_date: '31.02.2026' is neither in the format '%d.%m.%Y' "
            "nor an ISO date",
        ),
    ],
)
def test_says_what_it_cannot_take(play: Playground, code: str, message: str) -> None:
    assert play.fails(code) == message


def test_shows_the_format_until_one_edits_and_the_placeholder(play: Playground) -> None:
    play.run(
        """
        picker = DatePicker(format="%d %B %Y", placeholder="Choose a date", date="2026-11-21")
        panel.add_component(picker)
        """
    )
    shown = play.find(".anvil-datepicker-shown")
    expect(shown).to_have_text("21 November 2026")
    expect(shown).to_be_visible()
    field(play).focus()
    expect(shown).to_be_hidden()
    play.run("picker.date = None")
    expect(shown).to_have_text("Choose a date")
    expect(play.page.get_by_label("Choose a date")).to_be_attached()


def test_typing_raises_change_once_and_writes_back(play: Playground) -> None:
    play.run(
        """
        seen = []
        picker = DatePicker()
        picker.add_event_handler("x-anvil-write-back-date", lambda **e: seen.append("written"))
        picker.add_event_handler("change", lambda **e: seen.append(str(picker.date)))
        panel.add_component(picker)
        """
    )
    field(play).focus()
    play.page.keyboard.type("11212026", delay=5)
    assert play.run("result = seen") == ["written", "2026-11-21"]
    field(play).fill("")
    assert play.run("result = seen[2:]") == ["written", "None"]


def test_stays_within_its_bounds(play: Playground) -> None:
    play.run(
        """
        picker = DatePicker(min_date="2026-01-10", max_date=datetime.date(2026, 1, 20))
        panel.add_component(picker)
        """
    )
    expect(field(play)).to_have_attribute("min", "2026-01-10")
    expect(field(play)).to_have_attribute("max", "2026-01-20")
    field(play).fill("2026-03-01")
    field(play).blur()
    expect(field(play)).to_have_value("2026-01-20")
    assert play.run("result = str(picker.date)") == "2026-01-20"
