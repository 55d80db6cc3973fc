"""Colours: light, dark, a brand's own scheme; icons under all of their names."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.m3.conftest import OpenGallery, RunM3


def background(page: Page) -> list[int]:
    """Red, green, blue of the page."""
    text = page.evaluate("getComputedStyle(document.querySelector('m3-layout')).backgroundColor")
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


def test_follows_the_system(open_gallery: OpenGallery) -> None:
    assert min(background(open_gallery(color_scheme="light"))) > 220
    assert max(background(open_gallery(color_scheme="dark"))) < 40


def test_dark_can_be_forced_and_is_remembered(open_gallery: OpenGallery) -> None:
    page = open_gallery(color_scheme="light")
    page.get_by_role("button", name="Dark mode").click()
    expect(page.locator("html")).to_have_attribute("data-m3-mode", "dark")
    assert max(background(page)) < 40
    page.reload()
    page.get_by_role("button", name="Filled", exact=True).wait_for()
    assert max(background(page)) < 40


def test_seed_colour_makes_a_scheme(run_m3: RunM3) -> None:
    page, lines = run_m3("""
        import m3.components as m3
        from anvil import open_form
        from m3 import theming

        before = theming.get_color("Primary")
        theming.set_seed_color("#B3261E")
        print(theming.get_color("Primary") != before, theming.get_color("On Primary"))
        theming.set_mode("dark")
        print(theming.get_mode(), theming.get_color("On Primary"))
        theming.set_seed_color(None)
        theming.set_mode("system")
        print(theming.get_color("Primary") == before, theming.get_mode())
        for call in (lambda: theming.set_mode("blue"), lambda: theming.get_color("Pink")):
            try:
                call()
            except (ValueError, KeyError) as error:
                print(repr(error))
        open_form(m3.Button(text="ok"))
    """)
    assert lines[0] == "True #ffffff"
    assert lines[1].startswith("dark #")
    assert lines[1] != "dark #ffffff"
    assert lines[2] == "True system"
    assert lines[3].startswith("ValueError")
    assert lines[4] == "KeyError('Pink')"


def test_theme_colours_reach_components(run_m3: RunM3) -> None:
    page, _ = run_m3("""
        import m3.components as m3
        from anvil import Label, LinearPanel, open_form

        panel = LinearPanel()
        panel.add_component(m3.Text(text="ours", text_color="theme:Error"))
        panel.add_component(Label(text="classic", foreground="theme:Error", role="title-large"))
        open_form(panel)
    """)
    colours = [
        page.get_by_text(text, exact=True).evaluate("node => getComputedStyle(node).color")
        for text in ("ours", "classic")
    ]
    assert colours[0] == colours[1]
    assert colours[0].startswith("rgb")


def test_icons_by_material_and_font_awesome_names(run_m3: RunM3) -> None:
    page, _ = run_m3("""
        import m3.components as m3
        from anvil import LinearPanel, open_form

        panel = LinearPanel()
        # core; prefixed; FontAwesome; a former name; one that is fetched; none at all
        for icon in ("home", "mi:home", "fa:home", "email", "skateboarding", "no_such_icon"):
            panel.add_component(m3.Text(text=icon, icon=icon))
        open_form(panel)
    """)
    expect(page.locator("m3-icon[name=skateboarding] path")).to_have_count(1)
    drawings = page.locator("m3-icon").evaluate_all(
        "icons => icons.map((icon) => icon.querySelector('path')?.getAttribute('d') ?? null)"
    )
    home, prefixed, awesome, email, _fetched, none = drawings
    assert home == prefixed == awesome
    assert email
    assert none is None
