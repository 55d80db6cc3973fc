"""Image: sources, sizes, text for those who don't see it, mouse events."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

PICTURE = """
svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><path d='M0 0h9v9z'/></svg>"
media = BlobMedia("image/svg+xml", svg)
"""


def test_shows_media_and_addresses(play: Playground) -> None:
    play.run(
        PICTURE + "image = Image(source=media, alt_text='A block')\npanel.add_component(image)"
    )
    picture = play.page.get_by_role("img", name="A block")
    expect(picture).to_be_visible()
    picture.evaluate("img => img.decode()")
    assert picture.evaluate("img => img.naturalWidth") == 40
    assert play.run("result = image.source is media") is True
    play.run("image.source = 'data:image/gif;base64,R0lGODlhAQABAAAAACw='")
    assert play.run("result = type(image.source).__name__") == "URLMedia"
    play.run("image.source = None")
    expect(picture).to_be_hidden()


def test_display_modes_give_it_its_size(play: Playground) -> None:
    play.run(PICTURE + "image = Image(source=media, height=100)\npanel.add_component(image)")
    box = play.find(".anvil-image")
    picture = box.locator("img")
    picture.evaluate("img => img.decode()")

    def height(mode: str) -> float:
        play.run(f"image.display_mode = '{mode}'")
        size = box.bounding_box()
        assert size
        return size["height"]

    assert height("shrink_to_fit") == 100
    assert height("zoom_to_fill") == 100
    assert 20 <= height("original_size") < 30
    assert height("fill_width") > 500


def test_the_tooltip_stands_in_for_the_text(play: Playground) -> None:
    play.run(PICTURE + "panel.add_component(Image(source=media, tooltip='Tip'))")
    expect(play.page.get_by_role("img", name="Tip")).to_be_visible()


def test_mouse_events_tell_where(play: Playground) -> None:
    play.run(
        PICTURE
        + """
seen = []
image = Image(source=media, height=100)
image.set_event_handler("mouse_down", lambda x, y, button, keys, **e: seen.append([x, y, button]))
panel.add_component(image)
"""
    )
    play.find(".anvil-image").click(position={"x": 12, "y": 34})
    assert play.run("result = seen") == [[12, 34, 1]]


def test_says_what_a_source_cannot_be(play: Playground) -> None:
    error = play.fails("Image(source=5)")
    assert error == "TypeError: Image.source can only be set to a Media object or a URL, not int"
