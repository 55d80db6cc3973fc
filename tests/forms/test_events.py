"""Handlers, custom events, and what happens when one fails."""

from __future__ import annotations

from tests.forms.conftest import OpenForms

ONE_BUTTON = """
<div><anvil-component type="Button" name="btn" prop:text="Go" on:click="self.from_template">
</anvil-component></div>
"""


def test_handle_wins_over_the_template_and_may_stand_twice(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
                <div>
                <anvil-component type="Button" name="btn" prop:text="Go" on:click="self.no">
                </anvil-component>
                <anvil-component type="Button" name="other" prop:text="Other"></anvil-component>
                </div>
                """,
                """
                def no(self, **event_args):
                    print("template")

                @handle("btn", "click")
                @handle("other", "click")
                def pressed(self, sender, event_name, keys, **event_args):
                    print(sender.text, event_name, keys["shift"])

                @handle("", "show")
                def shown(self, **event_args):
                    print("shown")
                """,
            )
        }
    )
    forms.page.get_by_role("button", name="Go").click(modifiers=["Shift"])
    forms.printed("Go click True")
    forms.page.get_by_role("button", name="Other").click()
    forms.printed("Other click False")
    assert [line for line in forms.lines if line in ("shown", "template")] == ["shown"]


def test_handlers_can_be_added_set_and_removed(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                "<div></div>",
                """
                def __init__(self, **properties):
                    super().__init__(**properties)
                    log = []
                    def one(**event_args): log.append(1)
                    def two(x=None, **event_args): log.append(x)
                    b = Button()
                    b.add_event_handler("x-ping", one)
                    b.add_event_handler("x-ping", two)
                    b.raise_event("x-ping", x=5)
                    b.remove_event_handler("x-ping", one)
                    b.raise_event("x-ping", x=6)
                    print(log, len(b.get_event_handlers("x-ping")))
                    b.set_event_handler("x-ping", None)
                    b.raise_event("x-ping")
                    print(log)
                    for wrong in [lambda: b.add_event_handler("clik", one),
                                  lambda: b.add_event_handler("click", 3),
                                  lambda: b.remove_event_handler("click", one),
                                  lambda: b.raise_event("nope")]:
                        try:
                            wrong()
                        except Exception as error:
                            print(type(error).__name__)
                """,
            )
        }
    )
    assert forms.lines == [
        "[1, 5, 6] 1",
        "[1, 5, 6]",
        "ValueError",
        "TypeError",
        "LookupError",
        "ValueError",
    ]


def test_a_failing_handler_shows_an_error_and_the_next_one_runs(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                '<div><anvil-component type="Button" name="btn" prop:text="Go">'
                "</anvil-component></div>",
                """
                @handle("btn", "click")
                def fails(self, **event_args):
                    raise ValueError("the mill is closed")

                @handle("btn", "click")
                def works(self, **event_args):
                    print("second")
                """,
            )
        }
    )
    forms.page.get_by_role("button", name="Go").click()
    forms.printed("second")
    forms.error_shown("the mill is closed")


def test_dom_handlers_get_the_browsers_event(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
                <form anvil:on-dom:submit="self.submitted">
                  <input anvil:dom-node="field" name="q"><button>Send</button>
                </form>
                """,
                """
                def submitted(self, event):
                    event.preventDefault()
                    print(event.type, self.dom_nodes["field"].value)
                """,
            )
        }
    )
    forms.page.locator("input").fill("yoga")
    forms.page.get_by_role("button", name="Send").click()
    forms.printed("submit yoga")
    assert forms.page.url.endswith("/")


def test_page_events_follow_the_page_and_visibility(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                "<div></div>",
                """
                def __init__(self, **properties):
                    super().__init__(**properties)
                    panel = LinearPanel()
                    label = Label(text="x")
                    for name in ["show", "hide", "x-anvil-page-added", "x-anvil-page-removed",
                                 "x-anvil-page-shown", "x-anvil-page-hidden"]:
                        label.add_event_handler(name, self.note)
                    panel.add_component(label)
                    print("in panel")
                    self.panel = panel

                def note(self, event_name, **event_args):
                    print(event_name)

                @handle("", "show")
                def shown(self, **event_args):
                    self.add_component(self.panel)
                    print("added")
                    self.panel.visible = False
                    print("hidden")
                    self.panel.visible = True
                    print("visible")
                    self.panel.remove_from_parent()
                    print("removed")
                """,
            )
        }
    )
    forms.printed("removed")
    assert forms.lines == [
        "in panel",
        "x-anvil-page-added",
        "x-anvil-page-shown",
        "show",
        "added",
        "x-anvil-page-hidden",
        "hidden",
        "x-anvil-page-shown",
        "show",
        "visible",
        "x-anvil-page-hidden",
        "x-anvil-page-removed",
        "hide",
        "removed",
    ]
