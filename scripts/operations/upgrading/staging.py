"""An instance's folder as it is with another release: to plan by, and to try."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from app_server.apps import load_app
from app_server.config import DEFAULT_PORT, read_instance_config
from app_server.files import draft_of, replace_file
from app_server.pauses import PAUSE_FILE
from app_server.tables.migration import Migration, Options, read_migration
from app_server.tables.migration_renames import Rename
from app_server.tables.wanted import schema_of
from scripts.operations.backups import LEFT_OUT_DATA
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder
from scripts.operations.provision import link_release, write_app
from scripts.operations.releases import APPS, Release
from scripts.operations.upgrading.journal import JOURNAL_FILE


def stage(
    home: Home, instance: InstanceFolder, release: Release, purpose: str, app_text: str = ""
) -> InstanceFolder:
    """A copy of the instance's folder, keys and all, pinned to the release. One that was left is
    replaced. ``app_text``: its ``anvil.yaml``, where it is not to be made from the release."""
    folder = InstanceFolder(instance.name, _base(home, instance) / purpose)
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(mode=0o700, parents=True)
    shutil.copytree(
        instance.path / instance.package_name, folder.path / folder.package_name, symlinks=True
    )
    if (instance.path / "data").is_dir():
        left_out = shutil.ignore_patterns(*LEFT_OUT_DATA)
        shutil.copytree(instance.path / "data", folder.path / "data", ignore=left_out)
    link_release(folder, release)
    folder.write_config(instance.read_config())
    if app_text:
        app_file(folder).write_text(app_text)
    else:
        write_app(folder, release, instance.title)
    return folder


def unstage(home: Home, instance: InstanceFolder) -> None:
    """Remove all that was staged of it."""
    shutil.rmtree(_base(home, instance), ignore_errors=True)


def _base(home: Home, instance: InstanceFolder) -> Path:
    return home.data / "upgrading" / instance.name


def app_file(instance: InstanceFolder) -> Path:
    return instance.path / instance.package_name / "anvil.yaml"


def read_target(
    folder: InstanceFolder, *, allow_data_loss: bool, undone: Sequence[Rename] = ()
) -> Migration:
    """What the app in a folder wants of its tables, after some renames were taken back.
    StartupError where it cannot be read."""
    config = read_instance_config(folder.path, DEFAULT_PORT)
    app = load_app(config.app_folder, config.dep_ids)
    options = Options(auto_migrate=True, allow_data_loss=allow_data_loss)
    schema = schema_of(app)
    return read_migration(**{**schema, "renames": [*undone, *schema["renames"]]}, options=options)


def switch_release(instance: InstanceFolder, release: Release, app_text: str) -> None:
    """Pin the instance to a release, in steps of which each may be done again."""
    for app in APPS:
        link, draft = instance.path / app, draft_of(instance.path / app)
        draft.unlink(missing_ok=True)
        draft.symlink_to(
            os.path.relpath(release.folder / app, instance.path), target_is_directory=True
        )
        draft.replace(link)
    replace_file(app_file(instance), app_text)


def sweep_drafts(instance: InstanceFolder) -> None:
    """Remove what was being written in its folder when somebody was killed."""
    files = [instance.path / JOURNAL_FILE, instance.path / PAUSE_FILE, app_file(instance)]
    for path in (*files, *(instance.path / app for app in APPS)):
        draft_of(path).unlink(missing_ok=True)


def make_app_text(home: Home, instance: InstanceFolder, release: Release) -> str:
    """Its ``anvil.yaml`` for another release."""
    folder = stage(home, instance, release, "app")
    text = app_file(folder).read_text()
    shutil.rmtree(folder.path)
    return text


def read_app(folder: InstanceFolder) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(app_file(folder).read_text()) or {}
    return found
