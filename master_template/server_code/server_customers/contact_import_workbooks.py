"""Excel workbooks (``.xlsx``, ECMA-376) as rows of texts.

openpyxl reads them row by row. What a workbook unpacks to is looked at before anything is
unpacked, so that a small file cannot fill the memory; zipfile holds each part to the size that the
archive says it has.
"""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any
from xml.etree.ElementTree import ParseError

from ..server_shared.errors import InvalidError

MAX_UNPACKED_BYTES = 200_000_000  # all parts together
MAX_TEXTS_BYTES = 60_000_000  # of the table of texts, which is held in memory
MAX_PARTS = 2_000
MAX_SHEETS = 50
MAX_GAP_ROWS = 10_000  # empty ones, one after the other, after which nothing is expected any more
# What openpyxl raises on a file that is damaged, or made to look like one.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, ParseError, OSError),
    *(KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError),
    *(RecursionError, NotImplementedError, EOFError),
)
_DAMAGED = "The workbook is damaged and cannot be read. Please save it anew, or as CSV."


def is_zip(data: bytes) -> bool:
    """Whether the bytes are an archive, as every workbook is."""
    return data.startswith(b"PK\x03\x04")


def check_workbook(data: bytes) -> None:
    """Raise :class:`InvalidError` unless this is a workbook that can be unpacked safely."""
    with _telling_damage(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        raise InvalidError(
            "This archive is no Excel workbook. Please save the table as .xlsx or as CSV."
        )
    texts = sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml"))
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES or texts > MAX_TEXTS_BYTES:
        raise InvalidError(
            f"The workbook unpacks to {unpacked / 1_000_000:,.0f} MB, which is more than can be "
            "read. Please save the one sheet with the contacts as CSV."
        )


def sheet_names(data: bytes) -> list[str]:
    """The names of the sheets of a checked workbook, those that can be seen first."""
    with _opened(data) as book:
        sheets = book.worksheets[:MAX_SHEETS]
        names = [sheet.title for sheet in sheets if sheet.sheet_state == "visible"]
        names += [sheet.title for sheet in sheets if sheet.sheet_state != "visible"]
    if not names:
        raise InvalidError("The workbook has no sheets.")
    return names


def read_workbook(data: bytes, sheet: str) -> Iterator[tuple[int, list[str]]]:
    """(number of the row, its cells as texts) of one sheet of a checked workbook."""
    with _opened(data) as book:
        if sheet not in book.sheetnames:
            raise InvalidError(f"The workbook has no sheet {sheet[:40]!r}.")
        page = book[sheet]
        page.reset_dimensions()  # What a sheet says of its own size need not be true.
        gap = 0
        for number, cells in enumerate(page.iter_rows(values_only=True), 1):
            texts = [_as_text(cell) for cell in cells]
            gap = 0 if any(texts) else gap + 1
            if gap > MAX_GAP_ROWS:
                return
            yield number, texts


@contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    # Read where it is used: at the top it would cost each start of server code a tenth of a second.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with _telling_damage():
        try:
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        except InvalidFileException as error:
            raise ValueError(str(error)) from error
        try:
            yield book
        finally:
            book.close()


@contextmanager
def _telling_damage() -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of extensions that do not matter to a reader
            yield
    except _DAMAGE as error:
        raise InvalidError(_DAMAGED) from error


def _as_text(value: Any) -> str:
    """A cell as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # telephone numbers and postal codes
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    text = str(value)
    # What Excel says in place of a value that cannot be worked out.
    return "" if text.startswith("#") and text.strip("#").rstrip("!?").isupper() else text
