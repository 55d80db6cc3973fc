"""CheckBox: checked, indeterminate, events, write-back, keyboard."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def test_clicking_the_text_checks_and_raises_change(play: Playground) -> None:
    play.run(
        """
        seen = []
        box = CheckBox(text="I agree", bold=True)
        box.set_event_handler("change", lambda **e: seen.append((e["event_name"], box.checked)))
        panel.add_component(box)
        """
    )
    checkbox = play.page.get_by_role("checkbox", name="I agree")
    expect(checkbox).not_to_be_checked()
    play.page.get_by_text("I agree").click()
    expect(checkbox).to_be_checked()
    play.page.keyboard.press("Space")
    expect(checkbox).not_to_be_checked()
    assert play.run("result = seen") == [["change", True], ["change", False]]


def test_none_is_indeterminate_only_where_it_is_allowed(play: Playground) -> None:
    play.run(
        """
        plain = CheckBox(text="plain", checked=None)
        three = CheckBox(text="three", checked=None, allow_indeterminate=True)
        panel.add_component(plain)
        panel.add_component(three)
        """
    )
    assert play.run("result = [plain.checked, three.checked]") == [False, None]
    play.page.get_by_label("three").click()
    assert play.run("result = three.checked") is True


def test_a_disabled_box_cannot_be_checked(play: Playground) -> None:
    play.run("box = CheckBox(text='no', enabled=False); panel.add_component(box)")
    expect(play.page.get_by_label("no")).to_be_disabled()
    play.run("box.enabled = True")
    expect(play.page.get_by_label("no")).to_be_enabled()


def test_a_change_is_written_back_before_the_event(play: Playground) -> None:
    play.run(
        """
        order = []
        box = CheckBox(text="bound")
        box.add_event_handler("x-anvil-write-back-checked", lambda **e: order.append("written"))
        box.add_event_handler("change", lambda **e: order.append("change"))
        panel.add_component(box)
        """
    )
    play.page.get_by_label("bound").check()
    assert play.run("result = order") == ["written", "change"]
