"""What a user does with each component: events are raised, bindings written back, states told."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.m3.conftest import PHONE, OpenGallery, RunM3


def happened(page: Page, event: str, *item: str) -> None:
    """The gallery's log says that ``event`` came last, and that the item holds ``item``."""
    log = page.get_by_label("Log")
    expect(log).to_contain_text(event)
    for part in item:
        expect(log).to_contain_text(part)


def field(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=name, exact=True)


def test_buttons_raise_click_unless_disabled(gallery: Page) -> None:
    gallery.get_by_role("button", name="Filled", exact=True).click()
    happened(gallery, "btn_filled click")
    gallery.get_by_role("button", name="Edit").first.click()
    happened(gallery, "icon_standard click")
    expect(gallery.get_by_role("button", name="Disabled")).to_be_disabled()


def test_roles_set_the_appearance(gallery: Page) -> None:
    outlined = gallery.locator("m3-button", has_text="Outlined").first
    expect(outlined.locator("md-outlined-button")).to_be_visible()
    expect(outlined).to_have_class("anvil-role-outlined")
    expect(gallery.locator("m3-button md-text-button", has_text="Text")).to_be_visible()
    expect(gallery.locator(".m3-card.anvil-role-outlined-card")).to_have_attribute(
        "data-appearance", "outlined"
    )


def test_link_raises_click_by_mouse_and_key(gallery: Page) -> None:
    link = gallery.get_by_role("link", name="A link that raises click")
    link.click()
    happened(gallery, "link_plain click")
    gallery.get_by_role("button", name="Filled", exact=True).click()
    link.focus()
    gallery.keyboard.press("Enter")
    happened(gallery, "link_plain click")
    expect(gallery.get_by_role("link", name="A link with an address")).to_have_attribute(
        "href", "https://m3.material.io"
    )


def test_toggle_button_writes_back_its_state(gallery: Page) -> None:
    toggle = gallery.get_by_role("button", name="favorite").first
    expect(toggle).to_have_attribute("aria-pressed", "false")
    toggle.click()
    happened(gallery, "toggle_standard click", "favourite=True")
    expect(toggle).to_have_attribute("aria-pressed", "true")


def test_text_box_writes_back_on_enter_and_on_leaving(gallery: Page) -> None:
    box = field(gallery, "Name")
    expect(box).to_have_value("Ada Lovelace")
    box.fill("Grace Hopper")
    happened(gallery, "txt_name change", "name=Ada Lovelace")
    box.press("Enter")
    happened(gallery, "txt_name pressed_enter", "name=Grace Hopper")
    box.fill("Mary Jackson")
    box.press("Tab")
    happened(gallery, "txt_name lost_focus", "name=Mary Jackson")


def test_numeric_box_gives_numbers(gallery: Page) -> None:
    box = gallery.get_by_role("spinbutton", name="Seats")
    expect(box).to_have_value("12")
    box.fill("20")
    box.press("Tab")
    happened(gallery, "txt_number lost_focus", "seats=20,")
    box.fill("2.5")
    box.press("Tab")
    happened(gallery, "txt_number lost_focus", "seats=2.5")
    box.fill("")
    box.press("Tab")
    happened(gallery, "txt_number lost_focus", "seats=None")


def test_text_box_tells_its_error_and_has_a_trailing_action(gallery: Page) -> None:
    expect(field(gallery, "E-mail")).to_have_attribute("aria-invalid", "true")
    gallery.get_by_role("button", name="Clear").click()
    happened(gallery, "txt_search trailing_icon_click")


def test_text_area_writes_back_on_leaving(gallery: Page) -> None:
    area = field(gallery, "Notes")
    area.fill("Likes mornings")
    area.press("Tab")
    happened(gallery, "txt_notes lost_focus", "notes=Likes mornings")


def test_dropdown_shows_and_writes_back_values(gallery: Page) -> None:
    status = gallery.get_by_role("combobox", name="Status", exact=True)
    expect(status).to_contain_text("Customer")
    status.click()
    gallery.get_by_role("option", name="Lost").first.click()
    happened(gallery, "dd_status change", "status=lost")
    expect(status).to_contain_text("Lost")


def test_dropdown_goes_back_to_none(gallery: Page) -> None:
    menu = gallery.get_by_role("combobox", name="Any status")
    menu.click()
    gallery.locator("m3-select", has=menu).get_by_role("option", name="Lead").click()
    happened(gallery, "dd_none change")
    expect(menu).to_contain_text("Lead")
    menu.click()
    gallery.locator("m3-select", has=menu).get_by_role("option", name="Any status").click()
    expect(menu).to_contain_text("Any status")


def test_date_picker_writes_back_dates(gallery: Page) -> None:
    date = gallery.get_by_label("Starts on", exact=True)
    expect(date).to_have_value("2026-03-31")
    date.fill("2026-04-15")
    date.blur()
    happened(gallery, "dp_start change", "start=2026-04-15")


def test_checkbox_and_indeterminate(gallery: Page) -> None:
    news = gallery.get_by_role("checkbox", name="Newsletter")
    expect(news).to_be_checked()
    gallery.get_by_text("Newsletter").click()
    happened(gallery, "cb_news change", "newsletter=False")
    some = gallery.get_by_role("checkbox", name="Some of them")
    expect(some).to_have_js_property("indeterminate", True)
    some.click()
    happened(gallery, "cb_some change")
    expect(some).to_have_js_property("indeterminate", False)


def test_radio_group_has_one_choice(gallery: Page) -> None:
    # Material's radio has its role by ElementInternals, which Playwright's roles do not see.
    group = gallery.get_by_role("radiogroup", name="Preferred contact")
    email, phone = group.locator("md-radio").nth(0), group.locator("md-radio").nth(1)
    expect(phone).to_have_js_property("checked", True)
    group.get_by_text("E-mail").click()
    happened(gallery, "rg_contact change", "contact=email")
    expect(email).to_have_js_property("checked", True)
    expect(phone).to_have_js_property("checked", False)
    email.focus()
    gallery.keyboard.press("ArrowDown")
    happened(gallery, "rg_contact change", "contact=phone")


def test_switch_writes_back(gallery: Page) -> None:
    switch = gallery.get_by_role("switch", name="Bookings")
    expect(switch).to_be_checked()
    switch.click()
    happened(gallery, "sw_bookings change", "bookings=False")
    expect(gallery.get_by_role("switch", name="Disabled")).to_be_disabled()


def test_slider_moves_by_key(gallery: Page) -> None:
    slider = gallery.get_by_role("slider", name="Rating")
    expect(slider).to_have_value("4")
    slider.press("ArrowRight")
    happened(gallery, "slider change", "rating=5")


def test_card_is_a_button(gallery: Page) -> None:
    card = gallery.get_by_role("button", name="Interactive")
    card.click()
    happened(gallery, "card_action click")
    gallery.get_by_role("button", name="Filled", exact=True).click()
    card.focus()
    gallery.keyboard.press("Space")
    happened(gallery, "card_action click")


def test_file_loader_gives_media(gallery: Page, tmp_path: Path) -> None:
    picture = tmp_path / "logo.png"
    picture.write_bytes(b"\x89PNG\r\n")
    with gallery.expect_file_chooser() as chooser:
        gallery.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(picture)
    happened(gallery, "fu_picture change")
    expect(gallery.locator(".m3-file-state")).to_have_text("logo.png")


def test_file_loader_reads_the_file(run_m3: RunM3, tmp_path: Path) -> None:
    page, lines = run_m3("""
        import m3.components as m3
        from anvil import LinearPanel, open_form

        panel = LinearPanel()
        loader = m3.FileLoader(text="Import", multiple=True)
        panel.add_component(loader)

        def changed(file, files, **event_args):
            print([f.name for f in files], file.get_bytes().decode(), loader.file is file)
            loader.clear()
            print(loader.file)

        loader.add_event_handler("change", changed)
        open_form(panel)
    """)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("hello")
    printed: list[str] = []
    page.on("console", lambda message: printed.append(message.text))
    with page.expect_console_message(lambda message: message.text == "None"):
        page.locator("input[type=file]").set_input_files([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert printed == ["['a.csv', 'b.csv'] hello True", "None"]


def test_menu_by_keyboard(gallery: Page) -> None:
    opener = gallery.get_by_role("button", name="Actions")
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.focus()
    gallery.keyboard.press("ArrowDown")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(gallery.get_by_role("menuitem", name="Edit")).to_be_focused()
    gallery.keyboard.press("ArrowDown")
    expect(gallery.get_by_role("menuitem", name="Duplicate")).to_be_focused()
    # The hidden and the disabled item are passed over.
    gallery.keyboard.press("ArrowDown")
    expect(gallery.get_by_role("menuitem", name="Delete")).to_be_focused()
    gallery.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(gallery.get_by_label("Log")).to_contain_text("Nothing yet")
    gallery.keyboard.press("Enter")
    expect(gallery.get_by_role("menuitem", name="Edit")).to_be_focused()
    gallery.keyboard.press("Enter")
    happened(gallery, "item_edit click")


def test_menu_items_set_from_code(gallery: Page) -> None:
    gallery.get_by_role("button", name="More").click()
    expect(gallery.get_by_role("menuitem", name="Undo")).to_be_visible()


def test_tooltip_shows_on_keyboard_focus_and_names_an_icon(gallery: Page) -> None:
    gallery.get_by_role("button", name="Side sheet").focus()
    gallery.keyboard.press("Shift+Tab")
    gallery.keyboard.press("Tab")
    tooltip = gallery.locator(".m3-tooltip")
    expect(tooltip).to_have_text("Side sheet")
    expect(tooltip).to_be_visible()
    gallery.keyboard.press("Escape")
    expect(tooltip).to_be_hidden()


def test_nothing_overflows_a_phone(open_gallery: OpenGallery) -> None:
    page = open_gallery(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
