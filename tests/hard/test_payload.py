"""Whatever a message says, reading it gives values or a clean error, and nothing forged passes."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app_server.errors import AnvilError
from app_server.wire.codec import decode, encode
from app_server.wire.payload import CALL_MEMBERS, KNOWN_TYPES, REPLY_MEMBERS, take_payload
from app_server.wire.text import read_json, write_json
from app_server.wire.values import (
    Capability,
    LazyMedia,
    Media,
    PortableClass,
    PortableValue,
)
from app_server.workers.frames import FrameError, FrameReader, pack
from tests.hard.fuzz_payload import CORPUS, KEY, fuzz_one, open_stream, read_as_router

# JSON as it comes, beyond what JSON should hold.
texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["_", "right", "\ud800", "2026-11-21", "NaN", "9" * 5000, "1e999", ""]),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**70), 10**400]),
    st.floats(),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
deep = st.integers(200, 995).map(lambda n: "[" * n + "]" * n)


# Messages that are nearly right.
steps = st.one_of(st.integers(-1, 4), st.sampled_from(["a", "b", *CALL_MEMBERS, *REPLY_MEMBERS]))
paths = st.lists(steps | values, max_size=4)
entries = st.fixed_dictionaries(
    {"path": paths | values, "type": st.lists(st.sampled_from(sorted(KNOWN_TYPES)), max_size=2)},
    optional={
        "id": values,
        "scope": st.lists(scalars, max_size=3) | values,
        "mac": st.just("right") | values,
        "narrow": st.lists(scalars, max_size=2) | values,
        "value": values,
        "name": values,
        "mime-type": values,
        "backend": values,
        "permissions": values,
        "typeName": values,
        "manager": values,
        "itemCache": values,
        "iterItems": values,
    },
)
messages = st.fixed_dictionaries(
    {"objects": st.lists(entries | values, max_size=4) | values},
    optional={name: values for name in (*CALL_MEMBERS, *REPLY_MEMBERS)},
)


@given(messages, st.booleans())
@settings(max_examples=400)
def test_any_message_is_read_or_refused(message: dict[str, Any], is_trusted: bool):
    text = json.dumps(message).encode()
    for members in (CALL_MEMBERS, REPLY_MEMBERS):
        read_as_router(text, members, is_trusted=is_trusted)


@given(st.binary(max_size=200))
@settings(max_examples=200)
@example(b"0" + b"[" * 5000)
@example(b'0{"args": ' + b"[" * 980 + b"]" * 980 + b"}")
@example(b'0{"args": 1e400, "kwargs": NaN}')
@example(b"0\xff\xfe")
def test_any_bytes_are_read_or_refused(data: bytes):
    fuzz_one(data)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*")), ids=lambda path: path.name)
def test_the_corpus_of_the_fuzzer(path: Any):
    fuzz_one(path.read_bytes())


@given(deep, st.sampled_from(["args", "response"]))
@settings(max_examples=30)
def test_depth_is_an_error_of_its_own(text: str, member: str):
    entry = (
        f'{{"type": ["Capability"], "path": ["{member}", 0], "mac": "right", "scope": [{text}]}}'
    )
    message = f'{{"{member}": {text}, "objects": [{entry}]}}'
    read_as_router(message.encode(), (member,), is_trusted=True)


@given(st.lists(entries, max_size=4))
@settings(max_examples=200)
def test_no_capability_without_its_mac_passes(given_entries: list[dict[str, Any]]):
    """Nor a live object: what comes from a browser must have been given to it."""
    message = {"args": [None] * 5, "objects": [{**e, "path": ["args", 0]} for e in given_entries]}
    message = json.loads(json.dumps(message))
    try:
        payload = take_payload(message, CALL_MEMBERS, KEY, open_stream, is_trusted=False)
    except AnvilError:
        return
    kinds = {kind for entry in payload.objects for kind in entry["type"][:1]}
    assert not kinds & {"Capability", "LiveObject"}


moments = st.datetimes(
    timezones=st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=9))])
)
portable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | moments
    | st.builds(Capability, st.lists(st.text(), min_size=1))
    | st.builds(Media, st.just("text/plain"), st.binary(max_size=200), st.none() | st.text())
    | st.builds(LazyMedia, st.fixed_dictionaries({"id": st.text(), "key": st.text()}))
    | st.builds(PortableClass, st.text()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.builds(PortableValue, st.text(), st.dictionaries(st.text(), inner, max_size=2))
    ),
    max_leaves=10,
)


@given(portable)
@settings(max_examples=300)
async def test_what_is_written_is_read_again(value: Any):
    payload = encode({"response": value})
    on_the_wire = read_json(write_json({**payload.body, "objects": payload.objects}))
    for entry in on_the_wire["objects"]:
        if "Capability" in entry["type"]:
            entry["mac"] = KEY.sign_capability(entry["scope"])
    taken = take_payload(
        on_the_wire, REPLY_MEMBERS, KEY, lambda entry: payload.media[entry["id"]], is_trusted=True
    )
    assert alike((await decode(taken)).get("response"), value)


def alike(got: Any, given_: Any) -> bool:
    if isinstance(given_, float):
        return math.isnan(got) if math.isnan(given_) else bool(got == given_)
    if isinstance(given_, dt.datetime):
        moment = given_ if given_.tzinfo else given_.replace(tzinfo=dt.UTC)
        return bool(got == moment)
    if isinstance(given_, list):
        return len(got) == len(given_) and all(map(alike, got, given_))
    if isinstance(given_, dict):
        return set(got) == set(given_) and all(alike(got[k], v) for k, v in given_.items())
    if isinstance(given_, PortableValue):
        return got.type_name == given_.type_name and alike(got.value, given_.value)
    return bool(got == given_)


@given(
    st.lists(st.tuples(st.binary(max_size=50), st.none() | st.binary(max_size=50)), max_size=5),
    st.integers(1, 20),
)
def test_frames_are_read_however_they_are_cut(frames: list[tuple[bytes, bytes | None]], size: int):
    whole = b"".join(pack(text, data) for text, data in frames)
    reader = FrameReader()
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert [frame for piece in pieces for frame in reader.feed(piece)] == frames


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_rubbish_is_no_frame_or_waits_for_more(pieces: list[bytes]):
    reader = FrameReader()
    try:
        for piece in pieces:
            for text, data in reader.feed(piece):
                assert isinstance(text, bytes) and isinstance(data, bytes | None)
    except FrameError:
        pass
