"""Sealed files: what goes in comes out, and whatever was done to them in between is found."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.operations import sealing
from scripts.operations.sealing import MAGIC, PIECE_BYTES, SALT_BYTES, Sealer, UnsealError, unseal

KEY = bytes(range(32))
HEAD = len(MAGIC) + SALT_BYTES
PIECE = PIECE_BYTES + sealing.TAG_BYTES


def seal(*pieces: bytes, key: bytes = KEY, label: str = "studio/1/dump") -> bytes:
    file = io.BytesIO()
    with Sealer(file, key, label) as sealer:
        for piece in pieces:
            sealer.write(piece)
    return file.getvalue()


def open_sealed(sealed: bytes, key: bytes = KEY, label: str = "studio/1/dump") -> bytes:
    return b"".join(unseal(io.BytesIO(sealed), key, label))


@given(st.lists(st.binary(max_size=3000), max_size=8))
def test_gives_back_what_was_written(pieces: list[bytes]):
    assert open_sealed(seal(*pieces)) == b"".join(pieces)


@pytest.mark.parametrize(
    "size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES]
)
def test_gives_back_any_size(size: int):
    content = bytes(i * 7 % 251 for i in range(1000)) * (size // 1000 + 1)
    assert open_sealed(seal(content[:size])) == content[:size]


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_finds_any_changed_byte(position: int, flip: int):
    sealed = bytearray(seal(b"Amahle Khumalo"))
    sealed[position % len(sealed)] ^= flip
    with pytest.raises(UnsealError):
        open_sealed(bytes(sealed))


@pytest.mark.parametrize("cut", [1, 16, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_finds_a_missing_end(cut: int):
    sealed = seal(b"x" * (2 * PIECE_BYTES + 5))
    with pytest.raises(UnsealError):
        open_sealed(sealed[:-cut])


def test_finds_exchanged_repeated_and_appended_pieces():
    sealed = seal(b"a" * PIECE_BYTES + b"b" * PIECE_BYTES + b"c")
    head, first, second, last = (
        sealed[:HEAD],
        sealed[HEAD : HEAD + PIECE],
        sealed[HEAD + PIECE : HEAD + 2 * PIECE],
        sealed[HEAD + 2 * PIECE :],
    )
    assert open_sealed(head + first + second + last).endswith(b"c")
    for wrong in (
        head + second + first + last,
        head + first + first + last,
        head + first + second + last + last,
        head + first + second,
        head + last,
    ):
        with pytest.raises(UnsealError):
            open_sealed(wrong)


def test_another_key_or_place_opens_nothing():
    sealed = seal(b"Amahle Khumalo")
    with pytest.raises(UnsealError):
        open_sealed(sealed, key=bytes(32))
    with pytest.raises(UnsealError):
        open_sealed(sealed, label="inn/1/dump")


def test_what_failed_midway_is_not_whole():
    file = io.BytesIO()
    with pytest.raises(OSError, match="disk full"), Sealer(file, KEY, "studio/1/dump") as sealer:
        sealer.write(b"x" * (PIECE_BYTES + 1))
        raise OSError("disk full")
    with pytest.raises(UnsealError):
        open_sealed(file.getvalue())


def test_no_two_files_are_alike_and_none_tells_its_content():
    first, second = seal(b"Amahle Khumalo"), seal(b"Amahle Khumalo")
    assert first[HEAD:] != second[HEAD:] and b"Amahle" not in first
