"""Changing the key of encrypted fields while they are in use, and after a kill."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.product.studio import FIELD_KEYS, Studio, serve_instance
from tests.product.vault import (
    fill,
    give_keys,
    key_id,
    keys_in_use,
    move_all,
    read_all,
    vault_studio,
)

ONE, TWO, THREE = FIELD_KEYS


def test_fields_are_read_and_written_while_they_are_moved(vault: Studio) -> None:
    fill(vault, 90)
    expected = {f"v{number}": f"value {number}" for number in range(90)}
    is_over = threading.Event()

    def use(person: int) -> int:
        """Write and read own fields until the end; every answer is the one that was written."""
        turns = 0
        with vault.uplink() as script:
            while not is_over.is_set():
                name = f"v{(turns * 21 + person) % 90}"
                if turns % 2:
                    expected[name] = f"written by {person} in turn {turns}"
                    script.call("put_value", name, expected[name])
                assert script.call("read_value", name)["value"] == expected[name]
                turns += 1
        return turns

    with ThreadPoolExecutor(3) as pool:
        people = [pool.submit(use, person) for person in range(3)]
        try:
            for keys in ((TWO, ONE), (THREE, TWO), (ONE, THREE)):
                give_keys(vault, *keys)
                with vault.uplink() as script:
                    assert move_all(script) == 0
        finally:
            is_over.set()
        # None of them was refused.
        assert all(person.result() > 10 for person in people)
    assert keys_in_use(vault) == {key_id(ONE)}
    give_keys(vault, ONE)
    assert read_all(vault) == expected


MOVED = "        row[column] = keys.encrypt(text)\n"
ROTATION = "server_code/server_shared/key_rotation.py"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_what_is_written_while_a_field_is_moved_stays(
    tmp_path: Path, database_url: str, guarded: bool
) -> None:
    """The window between reading and writing is held open until someone else has written. Without
    the transaction that value is lost."""
    opened, written = tmp_path / "opened", tmp_path / "written"
    wait = (
        f"        from pathlib import Path\n        Path({str(opened)!r}).touch()\n"
        f"        while not Path({str(written)!r}).exists():\n            time.sleep(0.005)\n"
    )
    edits = [(MOVED, wait + MOVED)]
    if not guarded:
        edits.append(("in_transaction(_move)(", "_move("))
    with vault_studio(tmp_path, database_url, {ROTATION: edits}) as studio:
        fill(studio, 1)
        give_keys(studio, TWO, ONE)
        with ThreadPoolExecutor(1) as pool, studio.uplink() as mover, studio.uplink() as person:
            moving = pool.submit(move_all, mover)
            try:
                while not opened.exists():
                    assert not moving.done()
                person.call("put_value", "v0", "the newer value")
            finally:
                written.touch()
            assert moving.result() == 0
        assert read_all(studio) == {"v0": "the newer value" if guarded else "value 0"}


def test_a_run_that_is_killed_goes_on_where_it_stopped(tmp_path: Path, database_url: str) -> None:
    slowly = {
        ROTATION: [
            (MOVED, MOVED + "        time.sleep(0.03)\n"),
            ("BATCH_FIELDS = 10", "BATCH_FIELDS = 5"),
        ]
    }
    with vault_studio(tmp_path, database_url, slowly) as studio:
        fill(studio, 60)
        for keys in ((TWO, ONE), (THREE, TWO)):
            give_keys(studio, *keys)
            with ThreadPoolExecutor(1) as pool, studio.uplink() as script:
                moving = pool.submit(script.answer, "reencrypt_fields")
                while len(keys_in_use(studio)) < 2:
                    assert not moving.done()
                studio.server.process.kill()
                studio.server.process.wait()
                assert moving.exception(timeout=60) is not None
            assert keys_in_use(studio) == {key_id(key) for key in keys}
            studio.server = serve_instance(tmp_path / "instance", database_url)
            with studio.uplink() as script:
                assert 0 < script.call("get_encryption_status")["left"] < 60
                assert move_all(script) == 0
        give_keys(studio, THREE)
        assert read_all(studio) == {f"v{number}": f"value {number}" for number in range(60)}
