"""Every option of Anvil's own server goes through our parser, or is refused as the page says."""

from __future__ import annotations

from typing import Any

import pytest

from app_server.errors import StartupError
from app_server.options import OPTIONS, parse_arguments
from tests.compatibility.names import read

LISTED = read("options")
TAKEN = [one for one in LISTED["options"] if "not there" not in one]
REFUSED = [one for one in LISTED["options"] if "not there" in one]


def as_arguments(option: dict[str, Any]) -> list[str]:
    if option["value"] is True:
        return [f"--{option['name']}"]
    return [f"--{option['name']}", str(option["value"])]


@pytest.mark.parametrize("option", TAKEN, ids=lambda one: one["name"])
def test_an_option_is_read(option: dict[str, Any]) -> None:
    given = parse_arguments(as_arguments(option))[option["name"]]
    if isinstance(given, dict):
        assert option["value"] == "=".join(next(iter(given.items())))
    else:
        assert str(given) == str(option["value"])


@pytest.mark.parametrize("option", REFUSED, ids=lambda one: one["name"])
def test_an_option_is_refused_with_its_name(option: dict[str, Any]) -> None:
    with pytest.raises(StartupError) as refused:
        parse_arguments(as_arguments(option))
    assert option["says"] in str(refused.value)


def test_no_option_is_left_out() -> None:
    assert set(OPTIONS) == {one["name"] for one in TAKEN} | set(LISTED["ours"])
