"""DataGrid and DataRowPanel: columns, pages, components in columns, table semantics."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.forms.conftest import OpenForms
from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

COLUMNS = """
columns = [
    {"id": "n", "title": "Number", "data_key": "number", "width": 120},
    {"id": "t", "title": "Title", "data_key": "title"},
]
grid = DataGrid(columns=columns, rows_per_page=3)
panel.add_component(grid)
"""


def rows_on(play: Playground) -> list[str]:
    rows = play.page.get_by_role("row").filter(has=play.page.get_by_role("cell"))
    return [row.inner_text().replace("\n", " ") for row in rows.all() if row.is_visible()]


def button(play: Playground, name: str) -> Locator:
    return play.page.get_by_role("button", name=f"{name} page")


def test_rows_show_their_items_in_columns_under_a_header(play: Playground) -> None:
    play.run(
        COLUMNS
        + """
grid.add_component(DataRowPanel(item={"number": 1, "title": "One", "other": "x"}))
grid.add_component(DataRowPanel(item={"number": 2}))
"""
    )
    headers = play.page.get_by_role("columnheader")
    assert headers.all_inner_texts() == ["Number", "Title"]
    assert rows_on(play) == ["1 One", "2"]
    widths = [cell.bounding_box() for cell in play.page.get_by_role("cell").all()[:2]]
    assert widths[0] and widths[1]
    assert widths[0]["width"] == 120
    assert widths[1]["width"] > 500


def test_pages_are_turned_by_buttons_and_from_python(play: Playground) -> None:
    play.run(
        COLUMNS
        + """
for i in range(8):
    grid.add_component(DataRowPanel(item={"number": i}))
"""
    )
    assert rows_on(play) == ["0", "1", "2"]
    expect(button(play, "Previous")).to_have_attribute("aria-disabled", "true")
    button(play, "Next").click()
    expect(play.page.get_by_text("Page 2, rows 4 to 6")).to_be_attached()
    assert rows_on(play) == ["3", "4", "5"]
    assert play.run("result = [grid.get_page(), grid.get_first_index_on_page()]") == [1, 3]
    button(play, "Last").click()
    expect(button(play, "Next")).to_have_attribute("aria-disabled", "true")
    assert rows_on(play) == ["6", "7"]
    play.run("grid.previous_page()")
    assert rows_on(play) == ["3", "4", "5"]
    play.run("grid.set_page(0)")
    assert rows_on(play) == ["0", "1", "2"]
    play.run("grid.rows_per_page = None")
    assert len(rows_on(play)) == 8


def test_a_negative_page_is_an_index_error(play: Playground) -> None:
    error = play.fails(COLUMNS + "grid.set_page(-1)")
    assert error == "IndexError: Cannot use a negative index to set the page"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("DataGrid(columns=5)", "TypeError: DataGrid.columns must be a list of dicts, not 5"),
        (
            "DataGrid(columns=[{'width': 5}])",
            "TypeError: DataGrid.columns[0] must be a dict with an 'id'",
        ),
        (
            "DataGrid(rows_per_page='x')",
            "TypeError: DataGrid.rows_per_page must be a number (0 or None for all rows), not 'x'",
        ),
    ],
)
def test_says_what_it_cannot_take(play: Playground, code: str, message: str) -> None:
    assert play.fails(code) == message


def test_pinned_rows_are_on_every_page_and_removed_ones_make_room(play: Playground) -> None:
    play.run(
        COLUMNS
        + """
rows = [DataRowPanel(item={"number": i}) for i in range(5)]
for row in rows:
    grid.add_component(row)
grid.add_component(DataRowPanel(item={"number": "sum"}), pinned=True)
"""
    )
    assert rows_on(play) == ["0", "1", "sum"]
    play.run("grid.next_page()")
    assert rows_on(play) == ["2", "3", "sum"]
    play.run("rows[2].remove_from_parent()")
    assert rows_on(play) == ["3", "4", "sum"]
    play.run("grid.clear()")
    assert rows_on(play) == []


def test_a_component_takes_the_place_of_the_value(play: Playground) -> None:
    play.run(
        COLUMNS
        + """
row = DataRowPanel(item={"number": 1, "title": "shown"})
box = TextBox(text="instead")
row.add_component(box, column="t")
row.add_component(Label(text="below"), column="unknown")
grid.add_component(row)
"""
    )
    cells = play.page.get_by_role("cell")
    expect(cells.nth(1).get_by_role("textbox")).to_have_value("instead")
    expect(cells.nth(2)).to_have_text("below")
    play.run("box.remove_from_parent()")
    expect(cells.nth(1)).to_have_text("shown")


def test_new_columns_are_shown_when_the_property_is_set(play: Playground) -> None:
    play.run(
        COLUMNS
        + """
row = DataRowPanel(item={"number": 1, "title": "One"})
grid.add_component(row)
grid.columns = list(reversed(grid.columns))
"""
    )
    assert play.page.get_by_role("columnheader").all_inner_texts() == ["Title", "Number"]
    assert rows_on(play) == ["One 1"]
    play.run("row.item = {'number': 7, 'title': 'Seven'}")
    assert rows_on(play) == ["Seven 7"]
    play.run("row.auto_display_data = False")
    assert rows_on(play) == [""]
    play.run("grid.auto_header = False")
    expect(play.page.get_by_role("columnheader")).to_have_count(0)


def test_a_hidden_row_takes_no_place_on_the_page(play: Playground) -> None:
    play.run(
        COLUMNS
        + """
for i in range(5):
    grid.add_component(DataRowPanel(item={"number": i}, visible=i != 1))
"""
    )
    assert rows_on(play) == ["0", "2", "3"]


ROW_FORM = (
    """
container: {type: DataRowPanel, properties: {}}
components:
- name: box
  type: TextBox
  layout_properties: {column: t}
  data_bindings: [{property: text, code: "self.item['title']", writeback: true}]
""",
    "",
)
GRID_FORM = """
container: {type: LinearPanel, properties: {}}
components:
- name: grid
  type: DataGrid
  properties:
    rows_per_page: 10
    columns: [{id: n, title: Number, data_key: number}, {id: t, title: Title, data_key: title}]
  components:
  - name: rows
    type: RepeatingPanel
    properties: {item_template: Row}
- {name: btn, type: Button, properties: {text: How many}}
"""


def test_only_the_pages_that_are_shown_are_read_of_10000_rows(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Row": ROW_FORM,
            "Main": (
                GRID_FORM,
                """
def __init__(self, **properties):
    self.init_components(**properties)
    self.read = 0
    self.rows.items = self.search()

def search(self):
    for number in range(10000):
        self.read += 1
        yield {"number": number, "title": "Row %d" % number}

@handle("btn", "click")
def tell(self, **event_args):
    print("read", self.read)
""",
            ),
        }
    )
    page = forms.page
    numbers = page.get_by_role("row").filter(has=page.get_by_role("textbox"))
    expect(numbers).to_have_count(10)
    expect(numbers.first).to_contain_text("0")
    expect(numbers.first.get_by_role("textbox")).to_have_value("Row 0")
    page.get_by_role("button", name="Next page").click()
    expect(numbers.first.get_by_role("textbox")).to_have_value("Row 10")
    expect(page.get_by_text("Page 2, rows 11 to 20")).to_be_attached()
    page.get_by_role("button", name="Previous page").click()
    expect(numbers.first.get_by_role("textbox")).to_have_value("Row 0")
    page.get_by_role("button", name="How many").click()
    forms.printed("read 21")  # two pages, and one more to know that there is a third
    assert forms.errors == []


def test_rows_within_rows_are_counted_across_pages(play: Playground) -> None:
    play.run(
        COLUMNS
        + """
for group in ["a", "b"]:
    outer = DataRowPanel(item={"number": group})
    inner = RepeatingPanel(item_template=lambda item: DataRowPanel(item=item))
    outer.add_component(inner)
    grid.add_component(outer)
    inner.items = [{"title": group + str(i)} for i in range(3)]
"""
    )

    def titles() -> list[str]:
        values = play.find(".anvil-data-grid-child-panel .anvil-auto-row-value:visible")
        return [text for text in values.all_inner_texts() if text not in ("Number", "Title", "")]

    assert titles() == ["a", "a0", "a1"]
    play.run("grid.next_page()")
    assert titles() == ["a", "a2", "b"]  # its own row stands above those that were left
    play.run("grid.next_page()")
    assert titles() == ["b", "b0", "b1"]
    play.run("grid.jump_to_first_page()")
    assert titles() == ["a", "a0", "a1"]


def test_new_items_begin_at_the_first_page(play: Playground) -> None:
    play.run(
        COLUMNS
        + """
rows = RepeatingPanel(item_template=lambda item: DataRowPanel(item=item))
grid.add_component(rows)
rows.items = [{"number": i} for i in range(7)]
grid.set_page(2)
"""
    )
    assert rows_on(play) == ["6"]
    play.run("rows.items = [{'number': i} for i in range(100, 102)]")
    assert rows_on(play) == ["100", "101"]
    expect(button(play, "Next")).to_have_attribute("aria-disabled", "true")
    assert play.run("result = grid.get_page()") == 0


def test_refreshing_a_row_form_shows_the_item_again(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Row": ROW_FORM,
            "Main": (
                GRID_FORM,
                """
def __init__(self, **properties):
    self.init_components(**properties)
    self.rows.items = [{"number": 1, "title": "One"}]

@handle("btn", "click")
def change(self, **event_args):
    row = self.rows.get_components()[0]
    print(row.item["title"])
    row.item["number"] = 2
    row.refresh_data_bindings()
""",
            ),
        }
    )
    row = forms.page.get_by_role("row").filter(has=forms.page.get_by_role("textbox"))
    expect(row).to_contain_text("1")
    row.get_by_role("textbox").fill("Uno")
    forms.page.get_by_role("button", name="How many").click()
    expect(row).to_contain_text("2")
    forms.printed("Uno")
    assert forms.errors == []
