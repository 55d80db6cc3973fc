"""Link: text, addresses, media, components inside, keyboard."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]


def test_without_an_address_it_is_there_to_be_clicked(play: Playground) -> None:
    play.run(
        """
        seen = []
        link = Link(text="More")
        link.set_event_handler("click", lambda keys, **e: seen.append(keys["shift"]))
        panel.add_component(link)
        """
    )
    link = play.page.get_by_role("link", name="More")
    link.click()
    link.click(modifiers=["Shift"])
    link.press("Enter")
    assert play.run("result = seen") == [False, True, False]


def test_an_address_opens_in_a_new_tab(play: Playground) -> None:
    play.run("link = Link(text='Out', url='https://example.org/'); panel.add_component(link)")
    link = play.page.get_by_role("link", name="Out")
    expect(link).to_have_attribute("href", "https://example.org/")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    play.run("link.url = None")
    expect(link).not_to_have_attribute("href", "https://example.org/")


def test_media_is_downloaded_under_its_name(play: Playground) -> None:
    play.run(
        """
        media = BlobMedia("text/plain", b"hello", name="hello.txt")
        panel.add_component(Link(text="Save", url=media))
        """
    )
    with play.page.expect_download() as download:
        play.page.get_by_role("link", name="Save").click()
    assert download.value.suggested_filename == "hello.txt"
    assert download.value.path().read_bytes() == b"hello"


def test_components_inside_click_it_but_buttons_do_not(play: Playground) -> None:
    play.run(
        """
        seen = []
        link = Link()
        link.add_component(Label(text="inner label"))
        link.add_component(Button(text="inner button"))
        link.add_component(CheckBox(text="inner box"))
        link.set_event_handler("click", lambda **e: seen.append("link"))
        panel.add_component(link)
        """
    )
    play.page.get_by_text("inner label").click()
    play.page.get_by_role("button", name="inner button").click()
    play.page.get_by_label("inner box").check()
    assert play.run("result = seen") == ["link"]


def test_says_what_an_address_cannot_be(play: Playground) -> None:
    error = play.fails("Link(url=5)")
    assert error == "TypeError: Link.url can only be set to a Media object or a URL, not int"
