#!/usr/bin/env python3
"""Change the key of an instance's encrypted fields, while the instance is in use.

    scripts/uplink/rotate_keys.py status --instance yogastudio
    scripts/uplink/rotate_keys.py add    --instance yogastudio     a new key encrypts from now on
    scripts/uplink/rotate_keys.py move   --instance yogastudio     encrypt all fields anew by it
    scripts/uplink/rotate_keys.py retire --instance yogastudio     take the old keys away

Each step may be stopped anywhere and run again. ``retire`` refuses while a field still needs an
old key.

Exit code: 0 done, 1 some fields are left with an old key, 2 nothing could be done.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    import in_project  # type: ignore[import-not-found]  # noqa: F401

import argparse
import time
from collections.abc import Callable

from scripts.operations.encryption_keys import read_key_ids, with_new_key, with_newest_key_only
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder
from scripts.uplink.connection import (
    Call,
    UplinkError,
    add_target_options,
    connected,
    find_target,
    finish,
)

RELOAD_SECONDS = 30  # in which a server has read a changed instance.yaml; it looks every second
# No call runs longer (CALL_TIMEOUT_SECONDS of docs/limits.md): after this, none that began before
# the new key was there is still about to write with an old one.
SETTLE_SECONDS = 35

Say = Callable[[str], None]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give its exit code."""
    parser = argparse.ArgumentParser(
        description="Change the key of an instance's encrypted fields, while it is in use."
    )
    parser.add_argument("step", choices=["status", "add", "move", "retire"])
    add_target_options(parser)
    options = parser.parse_args(arguments)
    try:
        target = find_target(options)
        if options.url and options.step in ("add", "retire"):
            raise UplinkError("This changes the instance.yaml: name the instance, not its --url.")
        folder = InstanceFolder(target.name, options.instances / target.name)
        with connected(target) as call:
            return run_step(options.step, folder, call, print)
    except (UplinkError, OperationError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to go on.", file=sys.stderr)
        return 2


def run_step(
    step: str,
    folder: InstanceFolder,
    call: Call,
    say: Say,
    *,
    settle_seconds: float = SETTLE_SECONDS,
) -> int:
    """Do one step; give the exit code. Raises :class:`UplinkError` where it cannot be done."""
    if step == "add":
        return add_key(folder, call, say)
    if step == "move":
        return move_fields(call, say)
    if step == "retire":
        return retire_keys(folder, call, say, settle_seconds)
    return show_status(call, say)


def show_status(call: Call, say: Say) -> int:
    """Say which keys there are, and what is left for the newest."""
    status = call("get_encryption_status")
    newest, *older = status["keys"]
    say(f"New values are encrypted by key {newest}. Older keys: {', '.join(older) or 'none'}.")
    for column in status["columns"]:
        say(f"  {column['column']}: {column['left']:,} left with an older key")
    return 1 if status["left"] else 0


def add_key(folder: InstanceFolder, call: Call, say: Say) -> int:
    """Write a new key, and wait until the server goes by it."""
    folder.write_config(with_new_key(folder.read_config()))
    folder.log("add-encryption-key")
    _wait_for_keys(folder, call, RELOAD_SECONDS)
    say(f"New values are encrypted by key {read_key_ids(folder.read_config())[0]}. Next: move.")
    return 0


def move_fields(call: Call, say: Say) -> int:
    """Have every field encrypted by the newest key."""
    moved = 0
    while True:
        answer = call("reencrypt_fields")
        if not answer["moved"]:
            break
        moved += answer["moved"]
        say(f"{moved:,} moved, {answer['left']:,} left")
    for place in answer["unreadable"]:
        say(f"Not readable: {place['column']} of row {place['row']} ({place['code']})")
    if answer["left"]:
        say(f"{answer['left']:,} fields are left as they were. Put back the key they need, or have")
        say("their values entered again.")
        return 1
    say("All fields are encrypted by the newest key. Next: retire.")
    return 0


def retire_keys(folder: InstanceFolder, call: Call, say: Say, settle_seconds: float) -> int:
    """Take older keys away, once nothing needs them and no call can write with them any more."""
    keys = read_key_ids(folder.read_config())
    if len(keys) < 2:
        say("There is no older key.")
        return 0
    # A server that does not know the newest key yet would call the older one the newest.
    _wait_for_keys(folder, call, 0)
    _refuse_needed_keys(call)
    say(f"Waiting {settle_seconds:g} s, until every call that began with an older key has ended.")
    time.sleep(settle_seconds)
    _refuse_needed_keys(call)
    config = folder.read_config()
    if read_key_ids(config) != keys:
        raise UplinkError("Somebody changed the keys meanwhile. Look at `status`, and begin anew.")
    folder.write_config(with_newest_key_only(config))
    folder.log("retire-encryption-keys")
    _wait_for_keys(folder, call, RELOAD_SECONDS)
    say(f"The only key is {keys[0]}. Backups of the time before need the older ones.")
    return 0


def _refuse_needed_keys(call: Call) -> None:
    left = call("get_encryption_status")["left"]
    if left:
        raise UplinkError(f"{left:,} fields still need an older key. Run `move` first.")


def _wait_for_keys(folder: InstanceFolder, call: Call, seconds: float) -> None:
    """Until the server has the keys of ``instance.yaml``."""
    wanted = read_key_ids(folder.read_config())
    end = time.monotonic() + seconds
    while True:
        try:
            if call("get_encryption_status")["keys"] == wanted:
                return
        except UplinkError:
            if time.monotonic() > end:
                raise  # Until then it may be that the key is the instance's first.
        if time.monotonic() > end:
            raise UplinkError(
                "The server has not read the keys of instance.yaml. One that was started with "
                "--config-file does so at SIGHUP; then run this step again, or `status`."
            )
        time.sleep(0.2)


if __name__ == "__main__":
    finish(main())
