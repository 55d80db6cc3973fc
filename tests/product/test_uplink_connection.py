"""Which instance a command of scripts/uplink talks to."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from scripts.uplink.connection import Target, UplinkError, add_target_options, find_target


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_target_options(parser)
    return parser.parse_args(list(arguments))


def make_instance(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir()
    (folder / name / "instance.yaml").write_text(text)


def test_reads_address_and_key_of_an_instance(tmp_path: Path) -> None:
    make_instance(tmp_path, "yoga", "origin: http://yoga.localhost:3030\nuplink-key: k1\n")
    found = find_target(options("--instance", "yoga", "--instances", str(tmp_path)))
    assert found == Target("ws://127.0.0.1:3030/_/uplink", "k1", "yoga")
    # The only instance needs no name, and a server may have been started on another port.
    found = find_target(options("--instances", str(tmp_path), "--port", "4040"))
    assert found.url == "ws://127.0.0.1:4040/_/uplink"


def test_an_instance_on_https_is_reached_by_name(tmp_path: Path) -> None:
    make_instance(tmp_path, "yoga", "origin: https://yoga.example.com\nuplink-key: k1\n")
    found = find_target(options("--instances", str(tmp_path)))
    assert found.url == "wss://yoga.example.com:443/_/uplink"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--instance", "nobody"], "There is no instance 'nobody'.*Instances are: a, b, broken"),
        ([], "Which instance"),
        (["--instance", "b"], "has no uplink-key"),
        (["--instance", "broken"], "Could not read"),
        (["--url", "ws://localhost/_/uplink"], "needs --key"),
    ],
)
def test_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.delenv("MYBIZZ_UPLINK_KEY", raising=False)
    make_instance(tmp_path, "a", "uplink-key: k\n")
    make_instance(tmp_path, "b", "origin: http://b.localhost\n")
    make_instance(tmp_path, "broken", "origin: [\n")
    with pytest.raises(UplinkError, match=message):
        find_target(options(*arguments, "--instances", str(tmp_path)))
