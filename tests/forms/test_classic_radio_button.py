"""RadioButton: groups, values, events, arrow keys."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

GROUP = """
seen = []
for value in ["a", "b", "c"]:
    radio = RadioButton(text="Option " + value, value=value, group_name="g", selected=value == "a")
    for event in ["clicked", "change"]:
        radio.add_event_handler(
            event, lambda sender, event_name, **e: seen.append([event_name, sender.value])
        )
    panel.add_component(radio)
"""


def test_one_of_a_group_is_selected(play: Playground) -> None:
    play.run(GROUP)
    expect(play.page.get_by_role("radio", name="Option a")).to_be_checked()
    play.page.get_by_text("Option b").click()
    expect(play.page.get_by_role("radio", name="Option a")).not_to_be_checked()
    assert play.run("result = seen") == [["clicked", "b"], ["change", "b"]]
    play.page.keyboard.press("ArrowDown")
    expect(play.page.get_by_role("radio", name="Option c")).to_be_checked()
    assert play.run("result = radio.get_group_value()") == "c"


def test_the_value_of_a_group_by_its_name(play: Playground) -> None:
    play.run(GROUP)
    assert play.run("result = RadioButton.get_group_value('g')") == "a"
    assert play.run("result = [RadioButton.get_group_value('other')]") == [None]
    error = play.fails("RadioButton.get_group_value()")
    assert error == "TypeError: RadioButton.get_group_value() takes the name of a group"


def test_defaults_are_anvils(play: Playground) -> None:
    code = "r = RadioButton(); result = [r.group_name, r.value, r.selected, r.text]"
    assert play.run(code) == ["radioGroup1", "", False, ""]
