"""What the classic components are without any argument: Anvil's documented defaults."""

from __future__ import annotations

from typing import Any

import pytest

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

SPACES = {"spacing_above": "small", "spacing_below": "small"}
SEEN = {"visible": True, "tooltip": ""}
LOOK = {**SEEN, "role": None, "background": "", "foreground": "", "border": ""}
LETTERS = {"font": "", "font_size": None, "bold": False, "italic": False, "underline": False}
NO_SPACES = {"spacing_above": "none", "spacing_below": "none"}

DEFAULTS: dict[str, dict[str, Any]] = {
    "Canvas": {**LOOK, **SPACES, "height": "", "margin": None},
    "CheckBox": {
        **LOOK,
        **LETTERS,
        **SPACES,
        "checked": False,
        "allow_indeterminate": False,
        "enabled": True,
        "text": "",
        "align": "left",
        "spacing": None,
    },
    "ColumnPanel": {
        **LOOK,
        **SPACES,
        "col_widths": "",
        "col_spacing": "medium",
        "wrap_on": "mobile",
        "spacing": None,
    },
    "DataGrid": {
        **LOOK,
        **SPACES,
        "columns": None,
        "auto_header": True,
        "rows_per_page": 20,
        "show_page_controls": True,
        "wrap_on": "never",
        "margin": None,
    },
    "DataRowPanel": {**LOOK, **LETTERS, **NO_SPACES, "item": None, "auto_display_data": True},
    "DatePicker": {
        **LOOK,
        **LETTERS,
        **SPACES,
        "date": None,
        "min_date": "",
        "max_date": "",
        "format": "",
        "pick_time": False,
        "placeholder": "",
        "enabled": True,
    },
    "DropDown": {
        **LOOK,
        **LETTERS,
        **SPACES,
        "items": [],
        "selected_value": None,
        "include_placeholder": False,
        "placeholder": "",
        "align": "full",
        "enabled": True,
    },
    "FileLoader": {
        **LOOK,
        **LETTERS,
        **SPACES,
        "file": None,
        "files": [],
        "multiple": False,
        "show_state": True,
        "text": "Upload",
        "icon": "fa:upload",
        "align": "center",
        "enabled": True,
    },
    "FlowPanel": {**LOOK, **SPACES, "align": "left", "gap": "medium", "vertical_align": "full"},
    "GoogleMap": {**SEEN, **SPACES, "draggable": True, "disable_default_ui": False},
    "GridPanel": {**LOOK, **SPACES, "row_spacing": 10, "spacing": None},
    "Image": {
        **LOOK,
        **SPACES,
        "display_mode": "shrink_to_fit",
        "horizontal_align": "center",
        "vertical_align": "center",
        "height": "200",
        "border_radius": "",
        "alt_text": "",
    },
    "Link": {
        **LOOK,
        **LETTERS,
        **SPACES,
        "text": "",
        "url": "",
        "icon": "",
        "icon_align": "left",
        "align": "left",
        "text_padding": None,
        "wrap_on": "mobile",
    },
    "Plot": {**SEEN, **SPACES, "height": "450", "data": [], "interactive": True},
    "RadioButton": {**LOOK, **LETTERS, **SPACES, "selected": False, "group_name": "radioGroup1"},
    "RichText": {
        **LOOK,
        **SPACES,
        "content": "",
        "format": "markdown",
        "data": None,
        "enable_slots": True,
    },
    "Spacer": {**SEEN, **SPACES, "height": "32"},
    "Timer": {"interval": 0.5},
    "XYPanel": {**LOOK, **SPACES, "align": "center", "height": "", "width": None},
    "YouTubeVideo": {**LOOK, "youtube_id": "", "autoplay": False, "loop": False, "mute": False},
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_anvils(play: Playground, name: str) -> None:
    expected = DEFAULTS[name]
    code = f"made = {name}(); result = {{n: getattr(made, n) for n in {list(expected)}}}"
    assert play.run(code) == expected


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_listed_property_can_be_read_and_unknown_ones_are_refused(
    play: Playground, name: str
) -> None:
    play.run(f"for p in {name}._anvil_properties_: getattr({name}(), p['name'])")
    message = f"TypeError: anvil.{name} got unexpected keyword argument(s): nonsense"
    assert play.fails(f"{name}(nonsense=1)") == message
