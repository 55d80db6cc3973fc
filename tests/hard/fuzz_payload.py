"""Fuzzes what reads messages, with atheris (coverage-guided; ``pip install -e .[fuzz]``):

python -m tests.hard.fuzz_payload [-max_total_time=SECONDS] [FOLDER OF FINDINGS]

Anything but a value or a clean error is a finding. The corpus in ``corpus/`` is also run by
``test_payload.py`` in every test run.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from app_server.errors import AnvilError
from app_server.wire.codec import decode, decode_vt_global, encode
from app_server.wire.macs import MacKey
from app_server.wire.payload import (
    CALL_MEMBERS,
    REPLY_MEMBERS,
    Payload,
    give_objects,
    take_payload,
)
from app_server.wire.streams import MediaStream
from app_server.wire.text import read_json, write_json
from app_server.workers.frames import FrameError, FrameReader

CORPUS = Path(__file__).parent / "corpus"
WORDS = CORPUS / "words.dict"
KEY = MacKey(b"k" * 32)
OTHER_KEY = MacKey(b"o" * 32)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise AssertionError("it waits for something")


def open_stream(entry: dict[str, Any]) -> MediaStream:
    return MediaStream.from_bytes("text/plain", str(entry.get("id")).encode("utf-8", "replace"))


def sign(message: Any) -> None:
    """Give capabilities and live objects that ask for it (``"mac": "right"``) their MAC, so that
    what comes after the check is reached too."""
    entries = message.get("objects") if isinstance(message, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("mac") == "right":
            if isinstance(entry.get("scope"), list):
                entry["mac"] = KEY.sign_capability(entry["scope"])
            else:
                entry["mac"] = KEY.sign_live_object(entry)


def read_as_router(text: bytes, members: tuple[str, ...], *, is_trusted: bool) -> Payload | None:
    """A message on its way through the router: read, checked, decoded and written again."""
    try:
        message = read_json(text)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    try:
        sign(message)
    except RecursionError:
        return None  # nor could the server have signed it
    try:
        payload = take_payload(message, members, KEY, open_stream, is_trusted=is_trusted)
    except AnvilError:
        return None
    assert all("mac" not in entry for entry in payload.objects if "Capability" in entry["type"])
    try:
        write_json({**payload.body, "objects": give_objects(payload, OTHER_KEY)})
        body = run(decode(payload))
        vt_global = decode_vt_global(body.get("vt_global"))
        encode({name: body.get(name) for name in members if name != "vt_global"}, vt_global)
    except AnvilError:
        return None
    return payload


def fuzz_one(data: bytes) -> None:
    """The first byte says what reads the rest."""
    mode, text = (data[0] if data else 0) % 4, data[1:]
    if mode == 0:
        read_as_router(text, CALL_MEMBERS, is_trusted=False)
    elif mode == 1:
        read_as_router(text, REPLY_MEMBERS, is_trusted=True)
    elif mode == 2:
        read_as_router(text, CALL_MEMBERS, is_trusted=True)
    else:
        reader = FrameReader()
        try:
            for start in range(0, len(text), 7):
                list(reader.feed(text[start : start + 7]))
        except FrameError:
            pass


def main() -> None:
    import atheris  # type: ignore[import-not-found, unused-ignore]

    # Only what reads is watched, so it is imported once more: all that Python has takes minutes.
    watched = ["app_server.wire", "app_server.workers.frames", "tests.hard.fuzz_payload"]
    for name in [name for name in sys.modules if name.startswith(tuple(watched))]:
        del sys.modules[name]
    with atheris.instrument_imports(include=watched):
        module = importlib.import_module("tests.hard.fuzz_payload")
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    flags = [word for word in sys.argv[1:] if word.startswith("-")]
    findings = Path(words[0]) if words else Path(".build/fuzz")
    findings.mkdir(parents=True, exist_ok=True)
    folders = [str(findings), str(CORPUS)]
    given = [f"-dict={WORDS}", f"-artifact_prefix={findings}/", "-max_len=4096", *flags, *folders]
    atheris.Setup([sys.argv[0], *given], module.fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
