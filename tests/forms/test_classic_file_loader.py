"""FileLoader: choosing, dropping, reading, clearing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import FileChooser, expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

LOADER = """
seen = []
def changed(file, files, **event_args):
    seen.append([[f.name, f.content_type, f.length] for f in files])
loader = FileLoader(text="Upload")
loader.set_event_handler("change", changed)
panel.add_component(loader)
"""

DROP = """([name, type, content]) => {
  const data = new DataTransfer();
  data.items.add(new File([content], name, {type}));
  const root = document.querySelector(".anvil-file-loader");
  const over = new DragEvent("dragover", {dataTransfer: data, bubbles: true, cancelable: true});
  root.dispatchEvent(over);
  root.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
  return over.defaultPrevented;
}"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "a.csv").write_text("a,b\n")
    (tmp_path / "b.txt").write_text("hello")
    return [tmp_path / "a.csv", tmp_path / "b.txt"]


def test_a_chosen_file_is_media_read_when_asked(play: Playground, files: list[Path]) -> None:
    play.run(LOADER)
    chooser = play.page.get_by_label("Upload")
    chooser.set_input_files(files[0])
    expect(play.page.get_by_text("1 file selected")).to_be_visible()
    assert play.run("result = seen") == [[["a.csv", "text/csv", 4]]]
    assert play.run("result = loader.file.get_bytes().decode()") == "a,b\n"
    assert play.run("result = [type(loader.file).__name__, len(loader.files)]") == ["FileMedia", 1]


def test_several_files_and_clearing(play: Playground, files: list[Path]) -> None:
    play.run(LOADER + "loader.multiple = True\nloader.file_types = '.csv,text/plain'")
    chooser = play.find("input[type=file]")
    expect(chooser).to_have_attribute("accept", ".csv,text/plain")
    chooser.set_input_files(files)
    expect(play.page.get_by_text("2 files selected")).to_be_visible()
    play.run("loader.clear()")
    expect(play.page.get_by_text("Upload")).to_be_visible()
    assert play.run("result = [loader.file, loader.files]") == [None, []]


def test_dropped_files_are_taken_if_they_are_of_the_kind(play: Playground) -> None:
    play.run(LOADER + "loader.file_types = 'image/*,.csv'")
    assert play.page.evaluate(DROP, ["x.txt", "text/plain", "no"]) is True
    assert play.page.evaluate(DROP, ["x.csv", "text/csv", "1,2"]) is True
    assert play.run("result = seen") == [[["x.csv", "text/csv", 3]]]
    play.run("loader.enabled = False")
    assert play.page.evaluate(DROP, ["y.csv", "text/csv", "1,2"]) is False


def test_it_is_reached_and_opened_by_keyboard(play: Playground) -> None:
    # Listened for from the start: what Chromium is told in the same moment may come too late.
    choosers: list[FileChooser] = []
    play.page.on("filechooser", lambda chooser: choosers.append(chooser))
    play.run(LOADER)
    play.page.keyboard.press("Tab")
    expect(play.find("input[type=file]")).to_be_focused()
    play.page.keyboard.press("Enter")
    end = time.monotonic() + 30
    while not choosers and time.monotonic() < end:
        play.page.wait_for_timeout(20)
    assert choosers


def test_the_files_cannot_be_set(play: Playground) -> None:
    error = play.fails("FileLoader().files = []")
    assert error == "AttributeError: FileLoader.files is read-only: the person chooses files"
