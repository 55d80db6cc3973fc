"""DropDown: items, placeholder, values that are no item, write-back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def test_strings_are_their_own_values(play: Playground) -> None:
    play.run(
        """
        seen = []
        down = DropDown(items=["ant", "bee"])
        down.set_event_handler("change", lambda **e: seen.append(down.selected_value))
        panel.add_component(down)
        """
    )
    select = play.page.get_by_role("combobox")
    assert select.get_by_role("option").all_inner_texts() == ["ant", "bee"]
    assert play.run("result = [down.selected_value, down.items]") == ["ant", ["ant", "bee"]]
    select.select_option("bee")
    assert play.run("result = seen") == ["bee"]


def test_values_of_any_type_come_back_as_they_are(play: Playground) -> None:
    play.run(
        """
        row = {"id": 7}
        down = DropDown(items=[("None at all", None), ("A row", row), ["A list", [1]]])
        panel.add_component(down)
        """
    )
    select = play.page.get_by_role("combobox")
    select.select_option("A row")
    assert play.run("result = down.selected_value is row") is True
    play.run("down.selected_value = [1]")
    expect(select.locator("option:checked")).to_have_text("A list")
    play.run("down.selected_value = None")
    expect(select.locator("option:checked")).to_have_text("None at all")


def test_the_placeholder_stands_for_none(play: Playground) -> None:
    play.run(
        """
        down = DropDown(include_placeholder=True, placeholder="Choose", items=["ant"])
        panel.add_component(down)
        """
    )
    select = play.page.get_by_role("combobox", name="Choose")
    expect(select.locator("option:checked")).to_have_text("Choose")
    assert play.run("result = [down.selected_value]") == [None]
    select.select_option("ant")
    play.run("down.selected_value = None")
    expect(select.locator("option:checked")).to_have_text("Choose")


def test_a_value_that_is_no_item_is_kept_until_items_have_it(play: Playground) -> None:
    play.run("down = DropDown(items=['ant'], selected_value='bee'); panel.add_component(down)")
    chosen = play.page.get_by_role("combobox").locator("option:checked")
    expect(chosen).to_have_text("<Invalid value>")
    assert play.run("result = down.selected_value") == "bee"
    play.run("down.items = ['cat', 'bee']")
    expect(chosen).to_have_text("bee")
    play.run("down.items = ['dog', 'bee']")
    expect(chosen).to_have_text("bee")
    play.run("down.items = ['dog']")
    assert play.run("result = down.selected_value") == "dog"


def test_items_from_a_generator_and_their_own_list_for_each(play: Playground) -> None:
    code = """
    one = DropDown()
    two = DropDown(items=(str(n) for n in range(3)))
    one.items.append("only in one")
    one.items = one.items
    result = [one.items, two.items, DropDown().items]
    """
    assert play.run(code) == [["only in one"], ["0", "1", "2"], []]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("[3]", "DropDown.items must be a list of strings or tuples (item 0 is 3)"),
        (
            "[('a', 1), (2, 'b')]",
            "DropDown.items: tuples must be of the form ('label', value) (item 1 is (2, 'b'))",
        ),
        ("None", "DropDown.items must be a list of strings or tuples, not NoneType"),
        ("5", "DropDown.items must be a list of strings or tuples, not int"),
    ],
)
def test_says_which_item_it_cannot_take(play: Playground, items: str, message: str) -> None:
    assert play.fails(f"DropDown(items={items})") == f"TypeError: {message}"


def test_a_choice_is_written_back(play: Playground) -> None:
    play.run(
        """
        written = []
        down = DropDown(items=["ant", "bee"], enabled=True)
        down.add_event_handler(
            "x-anvil-write-back-selected_value", lambda **e: written.append(down.selected_value)
        )
        panel.add_component(down)
        """
    )
    play.page.get_by_role("combobox").focus()
    play.page.keyboard.press("ArrowDown")
    assert play.run("result = written") == ["bee"]
    play.run("down.enabled = False")
    expect(play.page.get_by_role("combobox")).to_be_disabled()
