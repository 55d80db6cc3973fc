"""RichText: Markdown, safe HTML, slots for data and components."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def test_markdown_becomes_headings_lists_and_links(play: Playground) -> None:
    play.run(
        """
        text = RichText(content="# Title\\n\\n- one\\n- two\\n\\n[out](https://example.org) **b**")
        panel.add_component(text)
        """
    )
    expect(play.page.get_by_role("heading", name="Title", level=1)).to_be_visible()
    expect(play.page.get_by_role("listitem").filter(has_text="two")).to_be_visible()
    link = play.page.get_by_role("link", name="out")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_nothing_that_runs_comes_in(play: Playground) -> None:
    bad = (
        '<img src=x onerror=\\"window.bad=1\\"><script>window.bad=1</script>'
        '<a href=\\"javascript:window.bad=1\\">x</a><iframe src=\\"/\\"></iframe><form></form>'
    )
    for kind in ["markdown", "restricted_html"]:
        play.run(f'text = RichText(content="{bad}", format="{kind}"); panel.add_component(text)')
    assert play.find("script, iframe, form, [onerror], a[href^='javascript']").count() == 0
    assert play.page.evaluate("() => window.bad === undefined") is True
    play.errors.clear()  # the picture that is not there


def test_plain_text_stays_as_it_is(play: Playground) -> None:
    play.run(
        """
        text = RichText(content="# not <b>a</b>\\n  title", format="plain_text")
        panel.add_component(text)
        """
    )
    shown = play.find(".anvil-rich-text")
    expect(shown).to_have_css("white-space", "pre-wrap")
    assert shown.inner_text() == "# not <b>a</b>\n  title"


def test_slots_take_data_in_their_format(play: Playground) -> None:
    play.run(
        """
        text = RichText(content="Hello **{name}**: {total:.2f} {name!r} {{literal}} {missing}.")
        text.data = {"name": "Olga", "total": 1234.5}
        panel.add_component(text)
        """
    )
    shown = play.find(".anvil-rich-text")
    expect(shown).to_have_text("Hello Olga: 1234.50 'Olga' {literal} .")
    play.run("text.data = {'name': 'Mia', 'total': 1, 'missing': 'here'}")
    expect(shown).to_have_text("Hello Mia: 1.00 'Mia' {literal} here.")
    play.run("text.content = '{name} again'")
    expect(shown).to_have_text("Mia again")
    play.run("text.data = None")
    expect(shown).to_have_text(" again")
    play.run("text.enable_slots = False")
    expect(shown).to_have_text("{name} again")


def test_slots_take_components(play: Playground) -> None:
    play.run(
        """
        seen = []
        button = Button(text="Press")
        button.set_event_handler("click", lambda **e: seen.append("click"))
        text = RichText(content="Before {a} after, {b}", data={"a": button})
        text.add_component(Label(text="added"), slot="b")
        panel.add_component(text)
        """
    )
    play.page.get_by_role("button", name="Press").click()
    expect(play.find("[x-anvil-slot=b]")).to_have_text("added")
    play.run("text.content = 'Moved: {a}, {b}'")
    play.page.get_by_role("button", name="Press").click()
    assert play.run("result = seen") == ["click", "click"]
    play.run("text.data = {}")
    expect(play.page.get_by_role("button", name="Press")).to_have_count(0)
    assert play.run("result = button.parent is None") is True
    play.run("text.clear(slot='b')")
    expect(play.find("[x-anvil-slot=b]")).to_have_text("")


def test_says_what_data_cannot_be(play: Playground) -> None:
    error = play.fails("RichText(data=5)")
    assert error == "TypeError: RichText.data must be a mapping or None, not 'int'"
