"""Changing the key of encrypted fields by ``scripts/uplink/rotate_keys.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from master_template.server_shared import encryption
from scripts.operations import encryption_keys
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder
from scripts.uplink import rotate_keys
from scripts.uplink.connection import UplinkError
from tests.app_server.running import start_server
from tests.product.conftest import fresh_database
from tests.product.studio import FIELD_KEYS, M3_ID, ROOT, TEMPLATE_ID, Studio
from tests.product.vault import fill, keys_in_use, read_all, vault_studio


class ReloadingFolder(InstanceFolder):
    """An instance whose server is told of a change; one with --instances notices by itself."""

    studio: Studio

    def write_config(self, config: Any) -> None:
        super().write_config(config)
        self.studio.reload()


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("rotation")
    with fresh_database(postgres_url) as url, vault_studio(folder, url) as studio:
        fill(studio, 25)
        yield studio


@pytest.fixture
def folder(vault: Studio) -> InstanceFolder:
    found = ReloadingFolder("instance", vault.config_file.parent)
    object.__setattr__(found, "studio", vault)
    return found


@pytest.fixture
def step(vault: Studio, folder: InstanceFolder) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Does one step as the command does; gives its exit code and what it said."""
    with vault.uplink() as script:

        def call(name: str) -> Any:
            answer = script.answer(name)
            if not answer["success"]:
                raise UplinkError(answer["error"])
            return answer

        def do(name: str) -> tuple[int, str]:
            said: list[str] = []
            code = rotate_keys.run_step(name, folder, call, said.append, settle_seconds=0.1)
            return code, "\n".join(said)

        yield do


def test_the_key_is_changed_step_by_step(
    vault: Studio, folder: InstanceFolder, step: Callable[[str], tuple[int, str]]
) -> None:
    before = folder.read_config()
    assert step("status")[0] == 0
    assert step("retire") == (0, "There is no older key.")

    assert step("add")[0] == 0
    assert step("status") == (1, step("status")[1])
    with pytest.raises(UplinkError, match="25 fields still need an older key"):
        step("retire")
    assert encryption_keys.read_keys(folder.read_config())[1:] == FIELD_KEYS[:1]

    code, said = step("move")
    assert (code, "25 moved, 0 left" in said) == (0, True)
    assert step("retire")[0] == 0
    config = folder.read_config()
    (newest,) = encryption_keys.read_key_ids(config)
    assert keys_in_use(vault) == {newest}
    assert read_all(vault) == {f"v{number}": f"value {number}" for number in range(25)}
    # Nothing else is changed, and the key for finding never.
    assert config["secret"]["search_hash_key"] == before["secret"]["search_hash_key"]
    assert {**config, "secret": 0} == {**before, "secret": 0}
    history = (folder.path / "history.jsonl").read_text()
    assert "add-encryption-key" in history and "retire-encryption-keys" in history
    for key in (*FIELD_KEYS, config["secret"]["field_encryption_keys"]):
        assert key not in history + said


def test_a_server_that_does_not_know_the_new_key_keeps_the_old_one(
    folder: InstanceFolder, step: Callable[[str], tuple[int, str]]
) -> None:
    """It would say that nothing needs the old key, because to it that is the newest."""
    before = folder.read_config()
    added = encryption_keys.with_new_key(before)
    InstanceFolder.write_config(folder, added)
    with pytest.raises(UplinkError, match="has not read the keys"):
        step("retire")
    assert folder.read_config() == added
    folder.write_config(before)


def test_the_command_itself_on_a_served_folder(tmp_path: Path, database_url: str) -> None:
    """As operators serve instances: the changed file is noticed without a signal."""
    with vault_studio(tmp_path, database_url) as studio:
        fill(studio, 5)
        studio.server.stop()
        config = yaml.safe_load(studio.config_file.read_text())
        config |= {"app": "client_test", "data-dir": "data", "database": database_url}
        config |= {"dep-id": {TEMPLATE_ID: "master_template", M3_ID: "m3"}}
        config |= {"origin": "http://instance.localhost"}
        studio.config_file.write_text(yaml.safe_dump(config))
        studio.server = start_server([f"--instances={tmp_path}"], cwd=tmp_path)

        def run(step: str) -> subprocess.CompletedProcess[str]:
            script = str(ROOT / "scripts" / "uplink" / "rotate_keys.py")
            where = ["--instances", str(tmp_path), "--instance", "instance"]
            return subprocess.run(
                [sys.executable, script, step, *where, "--port", str(studio.server.port)],
                capture_output=True,
                text=True,
                timeout=60,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

        status = run("status")
        assert (status.returncode, status.stderr) == (0, "")
        assert "vault.value_encrypted: 0 left" in status.stdout
        added = run("add")
        assert (added.returncode, added.stderr) == (0, "")
        refused = run("retire")
        assert (refused.returncode, "5 fields still need" in refused.stderr) == (2, True)
        moved = run("move")
        assert (moved.returncode, "5 moved, 0 left" in moved.stdout) == (0, True)
        ids = encryption_keys.read_key_ids(yaml.safe_load(studio.config_file.read_text()))
        assert keys_in_use(studio) == {ids[0]} and len(ids) == 2


def test_both_sides_name_a_key_alike(tmp_path: Path) -> None:
    key = encryption_keys.make_key()
    raw = encryption_keys.base64.urlsafe_b64decode(key)
    config = {"secret": {"field_encryption_keys": key}}
    assert encryption_keys.read_key_ids(config) == [encryption.key_id_of(raw)]
    with pytest.raises(OperationError, match="is no key"):
        encryption_keys.read_key_ids({"secret": {"field_encryption_keys": "hunter2!"}})


def test_an_instance_without_keys_gets_both() -> None:
    secrets = encryption_keys.with_new_key({"app": "client_a"})["secret"]
    assert set(secrets) == {encryption.KEYS_SECRET, encryption.SEARCH_SECRET}
