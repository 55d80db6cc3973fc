"""Publishing: a release is whole, frozen, and found out when somebody changes it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from scripts.operations.home import Home, OperationError
from scripts.operations.releases import find_release, list_releases, publish, verify


def test_publishes_what_a_browser_needs_and_nothing_else(home: Home, source: Path):
    release = publish(home, "v1.0.0", "First.", source)

    assert (release.folder / "master_template" / "client_code" / "Main.py").exists()
    assert (release.folder / "m3" / "theme" / "assets" / "m3.js").exists()
    assert not (release.folder / "m3" / "web").exists()
    assert "First." in (release.folder / "RELEASE.md").read_text()
    verify(release)


def test_orders_versions_by_number(home: Home, source: Path):
    for version in ("v1.10.0", "v1.2.0", "v0.9.9"):
        publish(home, version, "Notes.", source)

    assert [r.version for r in list_releases(home)] == ["v0.9.9", "v1.2.0", "v1.10.0"]


def test_never_changes_a_published_version(home: Home, source: Path):
    publish(home, "v1.0.0", "First.", source)

    with pytest.raises(OperationError, match="exists already"):
        publish(home, "v1.0.0", "Again.", source)


def test_files_of_a_release_are_read_only(home: Home, source: Path):
    release = publish(home, "v1.0.0", "First.", source)

    modes = [path.stat().st_mode & 0o222 for path in release.folder.rglob("*")]
    assert modes and not any(modes)


def test_pins_dependencies_to_the_release(home: Home, source: Path):
    release = publish(home, "v1.0.0", "First.", source)

    app = yaml.safe_load((release.folder / "master_template" / "anvil.yaml").read_text())
    assert [d["version"] for d in app["dependencies"]] == [{"version_tag": "v1.0.0"}]


@pytest.mark.parametrize("damage", ["change", "add", "remove"])
def test_finds_a_release_that_was_changed(home: Home, source: Path, damage: str):
    release = publish(home, "v1.0.0", "First.", source)
    target = release.folder / "master_template" / "client_code" / "Main.py"
    for path in (target, target.parent):
        path.chmod(0o755)
    if damage == "change":
        target.write_text("x = 2\n")
    elif damage == "add":
        target.with_name("Extra.py").write_text("")
    else:
        target.unlink()

    with pytest.raises(OperationError, match=r"Main\.py|Extra\.py"):
        verify(release)


def test_refuses_to_publish_without_the_browser_bundle(home: Home, source: Path):
    (source / "m3" / "theme" / "assets" / "m3.js").unlink()

    with pytest.raises(OperationError, match="m3/web/build.mjs"):
        publish(home, "v1.0.0", "First.", source)
    assert list_releases(home) == []


def test_names_the_releases_there_are(home: Home, source: Path):
    publish(home, "v1.0.0", "First.", source)

    with pytest.raises(OperationError, match=r"no release v2\.0\.0; published are: v1\.0\.0"):
        find_release(home, "v2.0.0")


@pytest.mark.parametrize("version", ["1.0.0", "v1.0", "v1.0.0-rc1", "latest", ""])
def test_refuses_what_is_not_a_version(home: Home, source: Path, version: str):
    with pytest.raises(OperationError, match="looks like"):
        publish(home, version, "Notes.", source)
