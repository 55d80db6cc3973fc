"""Imports of contacts as tests carry them out: a file sent over the socket, then step by step."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from tests.product.studio import Caller, Refused

DEADLINE_SECONDS = 600 if os.environ.get("MYBIZZ_FULL") else 120
CHUNK_BYTES = 60_000
PLAN: dict[str, Any] = {
    "match_by": "email",
    "on_duplicate": "fill",
    "tags": [],
    "consent": "none",
}


def upload(caller: Caller, data: bytes, name: str = "people.csv") -> dict[str, Any]:
    """Begin an import; give it as the server does. Raises ``Refused``."""
    entry = {"path": ["args", 0], "type": ["DataMedia"], "id": "m", "name": name}
    entry["mime-type"] = "text/csv"
    chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)] or [b""]
    answer = caller.socket.send_call(
        {"command": "begin_contact_import"}, [None], objects=[entry], media={"m": chunks}
    )
    if not answer["success"]:
        raise Refused(answer)
    started: dict[str, Any] = answer["import"]
    return started


def wait_for(caller: Caller, import_id: str) -> dict[str, Any]:
    """Look at an import as its page does until nobody is at work on it."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        state: dict[str, Any] = caller.call("get_contact_import", import_id)["import"]
        if state["state"] != "working":
            return state
        assert time.monotonic() < deadline, state
        time.sleep(0.05)


def check(caller: Caller, started: Mapping[str, Any], **plan: Any) -> dict[str, Any]:
    """Have the dry run done by the guessed columns, and what of a plan is given."""
    wanted = {"mapping": started["mapping"], **PLAN, **plan}
    caller.call("check_contact_import", started["import_id"], wanted)
    return wait_for(caller, started["import_id"])


def bring_in(caller: Caller, data: bytes, **plan: Any) -> dict[str, Any]:
    """All steps of an import; gives how it ended."""
    checked = check(caller, upload(caller, data), **plan)
    assert checked["state"] == "checked", checked
    caller.call("start_contact_import", checked["import_id"])
    return wait_for(caller, checked["import_id"])


def problems(caller: Caller, import_id: str) -> str:
    """The file of refused rows."""
    answer = caller.socket.send_call({"command": "download_import_problems"}, [import_id])
    assert answer["success"], answer
    entry = next(o for o in caller.socket.last["objects"] if "DataMedia" in o["type"])
    return bytes(caller.socket.media.pop(entry["id"])).decode("utf-8-sig")
