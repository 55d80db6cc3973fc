"""ColumnPanel, FlowPanel, GridPanel, XYPanel and Spacer: where components stand."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def place(play: Playground, text: str) -> dict[str, float]:
    box = play.page.get_by_text(text, exact=True).bounding_box()
    assert box
    return {name: round(value) for name, value in box.items()}


def order(play: Playground) -> list[str]:
    return play.find(".anvil-label").all_inner_texts()


def test_columns_stand_beside_one_another_and_wrap_on_phones(play: Playground) -> None:
    play.run(
        """
        columns = ColumnPanel(col_widths='{"c1": 45, "c2": 15}')
        columns.add_component(Label(text="wide", background="#eee"), grid_position="r1,c1")
        columns.add_component(Label(text="narrow"), grid_position="r1,c2")
        columns.add_component(Label(text="below"))
        panel.add_component(columns)
        """
    )
    widths = play.find(".anvil-panel-col").evaluate_all("all => all.map(e => e.offsetWidth)")
    assert widths[0] / widths[1] == pytest.approx(3, rel=0.01)
    assert place(play, "wide")["y"] == place(play, "narrow")["y"] < place(play, "below")["y"]
    play.page.set_viewport_size({"width": 390, "height": 800})
    assert place(play, "narrow")["y"] > place(play, "wide")["y"]
    play.run("columns.wrap_on = 'never'")
    assert place(play, "wide")["y"] == place(play, "narrow")["y"]
    play.page.set_viewport_size({"width": 1280, "height": 900})


def test_nested_positions_and_empty_rows_go(play: Playground) -> None:
    play.run(
        """
        columns = ColumnPanel()
        inner = Label(text="inner")
        columns.add_component(Label(text="left"), grid_position="r,a")
        columns.add_component(Label(text="right"), grid_position="r,b r2,c")
        columns.add_component(inner, grid_position="r,b r3,d")
        panel.add_component(columns)
        """
    )
    assert place(play, "inner")["x"] == place(play, "right")["x"] > place(play, "left")["x"]
    assert place(play, "inner")["y"] > place(play, "right")["y"]
    expect(play.find(".anvil-panel-row")).to_have_count(3)
    play.run("inner.remove_from_parent()")
    expect(play.find(".anvil-panel-row")).to_have_count(2)
    play.run("columns.clear()")
    expect(play.find(".anvil-panel-section")).to_have_count(0)
    play.run("columns.add_component(inner, grid_position='r,b r3,d')")
    expect(play.page.get_by_text("inner")).to_be_visible()


@pytest.mark.parametrize("panel_type", ["ColumnPanel", "FlowPanel"])
def test_an_index_puts_a_component_between_others(play: Playground, panel_type: str) -> None:
    play.run(
        f"""
        made = {panel_type}()
        made.add_component(Label(text="a"))
        made.add_component(Timer(interval=0))
        made.add_component(Label(text="c"))
        made.add_component(Label(text="b"), index=2)
        made.add_component(Label(text="first"), index=0)
        panel.add_component(made)
        """
    )
    assert order(play) == ["first", "a", "b", "c"]
    assert play.run("result = [type(c).__name__ for c in made.get_components()][2]") == "Timer"


def test_full_width_rows_and_backgrounds(play: Playground) -> None:
    play.run(
        """
        columns = ColumnPanel()
        columns.add_component(Label(text="x"), full_width_row=True, row_background="rgb(1, 2, 3)")
        panel.add_component(columns)
        """
    )
    section = play.find(".anvil-panel-section")
    expect(section).to_have_css("background-color", "rgb(1, 2, 3)")
    expect(section.locator(".anvil-panel-section-container")).to_have_class(
        "anvil-panel-section-container anvil-container-overflow anvil-full-width-row"
    )


def test_says_what_column_widths_cannot_be(play: Playground) -> None:
    error = play.fails(
        "c = ColumnPanel(); c.add_component(Label()); c.col_widths = 'wide'; panel.add_component(c)"
    )
    assert error.startswith("TypeError: ColumnPanel.col_widths comes from the form's template")


def test_a_flow_gives_width_only_where_it_is_needed(play: Playground) -> None:
    play.run(
        """
        flow = FlowPanel(align="right", spacing="small")
        box = TextBox(text="box")
        flow.add_component(Button(text="button"), width=400)
        flow.add_component(box, width=250)
        panel.add_component(flow)
        """
    )
    button = place(play, "button")
    assert button["width"] < 200
    size = play.page.get_by_role("textbox").bounding_box()
    assert size
    assert size["width"] == 250
    assert size["x"] + size["width"] > 1200  # at the right
    assert play.run("result = [flow.gap, flow.spacing]") == ["small", "small"]
    play.run("flow.gap = 'huge'")
    expect(play.find(".anvil-flow-panel.anvil-flow-spacing-huge")).to_have_count(1)
    play.run("box.visible = False")
    expect(play.find(".anvil-flow-panel-item").nth(1)).to_be_hidden()


def test_a_grid_has_twelve_columns(play: Playground) -> None:
    play.run(
        """
        grid = GridPanel()
        grid.add_component(Label(text="half"), row="A", col_xs=0, width_xs=6)
        grid.add_component(Label(text="rest"), row="A", col_xs=9, width_xs=3)
        grid.add_component(Label(text="next"), row="B")
        panel.add_component(grid)
        """
    )
    cells = play.find(".anvil-grid-row > *").evaluate_all(
        "all => all.map(e => [e.offsetLeft - e.parentElement.offsetLeft, e.offsetWidth])"
    )
    whole = cells[2][1]
    assert [width / whole for _left, width in cells] == pytest.approx([0.5, 0.25, 1], abs=0.01)
    assert cells[1][0] / whole == pytest.approx(0.75, abs=0.01)
    error = play.fails("grid.add_component(Label(), row='C', width_xs=13)")
    assert error.startswith("ValueError: GridPanel.add_component(): width_xs must be a number")


def test_coordinates_on_an_xy_panel(play: Playground) -> None:
    play.run(
        """
        xy = XYPanel(width=400, height=300)
        xy.add_component(Button(text="at"), x=30, y=120)
        panel.add_component(xy)
        panel.add_component(Spacer(height=77))
        """
    )
    holder = play.find(".anvil-holder").bounding_box()
    button = play.page.get_by_role("button", name="at").bounding_box()
    assert holder and button
    assert (button["x"] - holder["x"], button["y"] - holder["y"]) == (30, 120)
    assert (holder["width"], holder["height"]) == (400, 300)
    assert play.find(".anvil-spacer").evaluate("e => e.offsetHeight") == 77
    assert play.run("result = xy.get_width()") > 1000
