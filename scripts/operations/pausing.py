"""Take an instance off the air and put it back: stopped by its operator, or while it is changed.

The word for it is a file in the instance's folder, which the server follows within a second and
which survives restarts (``app_server/pauses.py``).
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

from app_server.files import replace_file
from app_server.pauses import PAUSE_FILE, Mode, Pause, read_pause
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder

RELEASE_SECONDS = 20.0
"""How long a server may take to let go: what runs may end for 10 s."""
CHECK_SECONDS = 0.1


def find_pause(instance: InstanceFolder) -> Pause | None:
    """How it is paused; None where it is to be served."""
    return read_pause(instance.path)


def stop_instance(instance: InstanceFolder, reason: str) -> bool:
    """Have it not be served until ``start_instance``; whether it was before. Visitors get a page
    that names no reason."""
    known = find_pause(instance)
    if known is not None and known.mode is Mode.CHANGING:
        raise OperationError(
            f"{instance.name} is being changed. Complete that first: "
            f"`scripts/mybizz instance upgrade {instance.name} --resume`."
        )
    if known is not None and known.reason == reason:
        return False
    write_pause(instance, Mode.STOPPED, reason)
    instance.log("stop", reason=reason)
    return known is None


def start_instance(instance: InstanceFolder) -> bool:
    """Have it be served again; whether it was stopped."""
    known = find_pause(instance)
    if known is None:
        return False
    if known.mode is Mode.CHANGING:
        raise OperationError(
            f"{instance.name} is being changed. Complete that first: "
            f"`scripts/mybizz instance upgrade {instance.name} --resume`."
        )
    end_pause(instance)
    instance.log("start", stopped_since=known.since)
    return True


def write_pause(instance: InstanceFolder, mode: Mode, reason: str) -> None:
    facts = {
        "mode": mode.value,
        "reason": reason,
        "since": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    replace_file(instance.path / PAUSE_FILE, json.dumps(facts) + "\n")


def end_pause(instance: InstanceFolder) -> None:
    (instance.path / PAUSE_FILE).unlink(missing_ok=True)


def wait_until_released(instance: InstanceFolder) -> None:
    """Until no server on this machine runs anything of a paused instance. Raises ``OperationError``
    where one goes on: it does not follow the instances' folder."""
    deadline = time.monotonic() + RELEASE_SECONDS
    while not _is_released(instance):
        if time.monotonic() > deadline:
            raise OperationError(
                f"The server of {instance.name} does not let go of it. Was it started for this one "
                "instance? Stop that server, and run this again."
            )
        time.sleep(CHECK_SECONDS)


def _is_released(instance: InstanceFolder) -> bool:
    status, facts = probe(instance, "/_/ready")
    return status == 0 or status == 404 or bool(facts.get("released"))


def probe(instance: InstanceFolder, path: str, seconds: float = 5) -> tuple[int, dict[str, Any]]:
    """The status and the facts that a server on this machine answers with; 0 where there is none.
    Nobody has to be able to look up the instance's name."""
    config = instance.read_config()
    host = str(config.get("origin", "")).partition("://")[2] or f"{instance.name}.localhost"
    request = urllib.request.Request(
        f"http://127.0.0.1:{config.get('port')}{path}", headers={"Host": host}
    )
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, _read_facts(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, _read_facts(error.read())
    except (OSError, ValueError):
        return 0, {}


def _read_facts(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
