"""RepeatingPanel: a form for each item."""

from __future__ import annotations

from tests.browser.stub_server import answer
from tests.forms.conftest import OpenForms

ROW = (
    """
<anvil-form container="LinearPanel">
  <anvil-component type="Label" name="lbl" bind:text="self.item['name']"></anvil-component>
  <anvil-component type="TextBox" name="box" writeback:text="self.item['qty']" prop:type="number">
  </anvil-component>
  <anvil-component type="Button" name="btn" prop:text="Drop"></anvil-component>
</anvil-form>
""",
    """
    @handle("btn", "click")
    def drop(self, **event_args):
        self.parent.raise_event("x-drop", item=self.item)
    """,
)


def test_rows_show_items_write_back_and_come_from_an_iterator(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Parts.Row": ROW,
            "Main": (
                """
<div>
  <anvil-component type="RepeatingPanel" name="rows" prop:item_template="shop.Parts.Row">
  </anvil-component>
  <anvil-component type="Button" name="btn_more" prop:text="More"></anvil-component>
</div>
""",
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        self.data = [{"name": n, "qty": i} for i, n in enumerate(["ant", "bee", "cat"])]
        self.rows.items = self.data
        self.rows.set_event_handler("x-drop", self.dropped)
        print([row.item["name"] for row in self.rows.get_components()])

    def dropped(self, item, **event_args):
        print("drop", item["name"], item["qty"])
        self.data.remove(item)
        self.rows.items = self.data

    @handle("btn_more", "click")
    def more(self, **event_args):
        def pages():
            for number in range(3):
                yield anvil.server.call("row", number)
        self.rows.items = pages()
        self.rows.raise_event_on_children("x-nothing")
        print(len(self.rows.get_components()))
    """,
            ),
        },
        {"row": lambda call: answer({"name": f"row {call['args'][0]}", "qty": None})},
    )
    page = forms.page
    assert page.locator(".anvil-label-text").all_inner_texts() == ["ant", "bee", "cat"]
    page.locator("input").nth(1).fill("7.5")
    page.get_by_role("button", name="Drop").nth(1).click()
    forms.printed("drop bee 7.5")
    page.wait_for_function("document.querySelectorAll('.anvil-label-text').length === 2")
    assert page.locator(".anvil-label-text").all_inner_texts() == ["ant", "cat"]
    page.get_by_role("button", name="More").click()
    forms.printed("3")
    assert page.locator(".anvil-label-text").all_inner_texts() == ["row 0", "row 1", "row 2"]
    assert forms.errors == []


def test_an_item_template_may_be_a_function_and_errors_reach_the_caller(
    open_forms: OpenForms,
) -> None:
    forms = open_forms(
        {
            "Main": (
                '<div><anvil-component type="RepeatingPanel" name="rows"></anvil-component></div>',
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        self.rows.item_template = lambda item: Label(text=str(1 / item))
        self.rows.items = [1, 2]
        print([row.text for row in self.rows.get_components()])
        try:
            self.rows.items = [4, 0]
        except ZeroDivisionError as error:
            print("ZeroDivisionError")
        try:
            self.rows.item_template = "Missing"
        except ImportError as error:
            print(error)
        self.rows.items = None
        print(len(self.rows.get_components()))
    """,
            )
        }
    )
    assert forms.lines == [
        "['1.0', '0.5']",
        "ZeroDivisionError",
        "This app has no form or module called 'Missing'",
        "0",
    ]


def test_thousands_of_rows_do_not_overflow(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                '<div><anvil-component type="RepeatingPanel" name="rows"></anvil-component></div>',
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        self.rows.item_template = lambda item: Label(text=item)
        self.rows.items = range(6000)
        self.rows.items = (n for n in range(5000))
        rows = self.rows.get_components()
        print(len(rows), rows[-1].text)

    @handle("", "show")
    def shown(self, **event_args):
        self.clear()
        print("cleared")
    """,
            )
        }
    )
    forms.printed("cleared")
    assert forms.lines[0] == "5000 4999"
