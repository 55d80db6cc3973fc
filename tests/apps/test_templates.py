"""The templates of Anvil's own ``create-anvil-app``, out of the installed package, unchanged.

They are of runtime version 2: class names without a prefix, Bootstrap 3, jQuery in the page,
tables as a list in anvil.yaml, forms whose template is Python.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.app_server.running import RunningServer, start_server

TEMPLATES = {"blank": "Blank", "hello-world": "Default", "todo-list": "TodoList"}


def unpack(name: str, folder: Path) -> Path:
    """What ``create-anvil-app <name> <folder>`` leaves there."""
    data = (files("anvil_app_server") / f"{TEMPLATES[name]}.zip").read_bytes()
    zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
    return folder


@contextmanager
def serve(page: Page, app: Path, data: Path, database_url: str = "none") -> Iterator[RunningServer]:
    """A server of the app; ``page`` leaves it before it ends, so as not to call after it."""
    data.mkdir(exist_ok=True)
    arguments = ["--app", str(app), "--data-dir", str(data), "--database", database_url]
    server = start_server([*arguments, "--auto-migrate"], cwd=data)
    try:
        yield server
        page.goto("about:blank")
    finally:
        server.stop()


@pytest.fixture(params=[1280, 390])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page whose console has to stay free of errors; the theme's web font is not there."""
    context = chromium.new_context(viewport={"width": request.param, "height": 800})
    page = context.new_page()
    errors: list[str] = []
    page.route(
        "https://fonts.googleapis.com/**", lambda route: route.fulfill(content_type="text/css")
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert errors == []


def assert_fits(page: Page) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def centre(found: Locator) -> tuple[float, float]:
    box = found.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_blank(page: Page, runtime: None, tmp_path: Path) -> None:
    with serve(page, unpack("blank", tmp_path / "app"), tmp_path / "data") as server:
        page.goto(server.url)
        expect(page.get_by_text("My App", exact=True).last).to_be_visible()
        assert_fits(page)


def test_hello_world(page: Page, runtime: None, tmp_path: Path) -> None:
    with serve(page, unpack("hello-world", tmp_path / "app"), tmp_path / "data") as server:
        page.goto(server.url)
        heading = page.get_by_text("Hello, world!")
        button = page.get_by_role("button", name="Call your server function")
        expect(button).to_have_css("background-color", "rgb(33, 150, 243)")
        expect(button).to_have_css("text-transform", "uppercase")
        page.get_by_placeholder("Enter your name").fill("Olga")
        button.click()
        expect(page.get_by_role("dialog")).to_contain_text("Olga")
        page.get_by_role("button", name="OK").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        # The heading's cell is the middle third of what the side bar leaves.
        content = page.locator(".content")
        assert centre(heading)[0] == pytest.approx(centre(content)[0], abs=5)
        assert_fits(page)


def test_the_side_bar_opens_by_the_themes_jquery(
    chromium: Browser, runtime: None, tmp_path: Path
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    with serve(page, unpack("hello-world", tmp_path / "app"), tmp_path / "data") as server:
        page.goto(server.url)
        side_bar = page.locator(".left-nav").last
        expect(page.get_by_text("Hello, world!")).to_be_visible()
        expect(side_bar).to_be_hidden()
        toggle = page.locator(".sidebar-toggle:visible")
        expect(toggle.locator(".fa-bars")).to_have_css("font-family", "FontAwesome")
        toggle.click()
        expect(page.locator(".left-nav.shown:visible")).to_be_visible()
        page.locator(".nav-shield").click(position={"x": 380, "y": 400})
        expect(page.locator(".left-nav.shown:visible")).to_have_count(0)
    context.close()


def test_todo_list(page: Page, runtime: None, tmp_path: Path, database_url: str) -> None:
    app = unpack("todo-list", tmp_path / "app")
    tasks = ["Buy milk", "Walk the dog", "Write to every aunt that lives in a town of a long name"]
    with serve(page, app, tmp_path / "data", database_url) as server:
        page.goto(server.url)
        for task in tasks:
            page.get_by_placeholder("Buy Milk").fill(task)
            page.get_by_role("button", name="Add task").click()
            expect(page.get_by_text(task, exact=True)).to_be_visible()
        row_of(page, "Walk the dog").get_by_role("checkbox").check()
        expect(page.get_by_text("Task Updated!")).to_be_visible()
        assert_columns_line_up(page)
        assert_fits(page)
        page.get_by_placeholder("Buy Milk").fill("by the Enter key")
        page.keyboard.press("Enter")
        expect(row_of(page, "by the Enter key")).to_be_visible()

    with serve(page, app, tmp_path / "data", database_url) as server:
        page.goto(server.url)
        expect(row_of(page, "Walk the dog").get_by_role("checkbox")).to_be_checked()
        expect(row_of(page, "Buy milk").get_by_role("checkbox")).not_to_be_checked()
        delete = row_of(page, "Buy milk").get_by_role("button")
        delete.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Are you sure you want to delete task: Buy milk?")
        dialog.get_by_role("button", name="No").click()
        expect(row_of(page, "Buy milk")).to_be_visible()
        delete.click()
        dialog.get_by_role("button", name="Yes").click()
        expect(row_of(page, "Buy milk")).to_have_count(0)
        expect(row_of(page, "Walk the dog")).to_be_visible()


def row_of(page: Page, task: str) -> Locator:
    return page.locator(".anvil-data-row-panel").filter(has_text=task)


def assert_columns_line_up(page: Page) -> None:
    """Each tick stands under its column's title, and all of the grid within its card."""
    card = page.locator(".anvil-role-card").first.bounding_box()
    assert card is not None
    for title, cell in [("Completed", "checkbox"), ("Delete task", "button")]:
        heading = page.locator(".data-row-col", has_text=title).first
        found = row_of(page, "Buy milk").get_by_role(cell)  # type: ignore[arg-type]
        assert centre(found)[0] == pytest.approx(centre(heading)[0], abs=24)
        assert card["x"] < centre(found)[0] < card["x"] + card["width"]
    bounds = page.locator(".anvil-data-grid").bounding_box()
    assert bounds is not None
    assert bounds["x"] >= card["x"]
    assert bounds["x"] + bounds["width"] <= card["x"] + card["width"] + 1
