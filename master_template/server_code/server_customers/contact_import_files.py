"""Tables that people upload: what kind of file it is, and its rows, one at a time.

A file is CSV in any usual encoding and with any usual delimiter, or an Excel workbook (``.xlsx``).
Whatever comes in is taken for hostile: every length is bounded, and what goes beyond is refused in
one sentence that says where. Rows are read one by one, so that a large file takes little memory
beside its own bytes.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from charset_normalizer import from_bytes

from ..server_shared.errors import InvalidError
from .contact_import_workbooks import check_workbook, is_zip, read_workbook, sheet_names

MAX_UPLOAD_BYTES = 30_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_RECORD_CHARS = 200_000  # one row, over all its lines
DELIMITERS = (",", ";", "\t", "|")
# What a person may choose where the letters look wrong: the codec's name and its own.
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 (little endian, no mark)",
    "utf-16-be": "UTF-16 (big endian, no mark)",
    "cp1252": "Western European (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp1257": "Baltic (Windows-1257)",
    "cp437": "MS-DOS (437)",
    "mac_roman": "Macintosh (Roman)",
    "shift_jis": "Japanese (Shift JIS)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "euc_kr": "Korean (EUC-KR)",
}
# Of single bytes none is certain; these are asked about, most usual first.
_GUESSED = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("mac_roman", "shift_jis", "gb18030", "big5", "euc_kr"),
]
_SAMPLE_BYTES = 20_000
_SAMPLE_ROWS = 50
# The encoding that is usual where the business is stays the answer unless another one reads clearly
# better: a short list of names is letters in all of them. The measure is charset_normalizer's
# "chaos", the share of what looks like noise.
_CLEARLY = 0.05
_WESTERN = "cp1252"
_USUAL = {
    **dict.fromkeys(("cs", "sk", "pl", "hu", "ro", "hr", "sl", "sq", "bs"), "cp1250"),
    **dict.fromkeys(("ru", "uk", "bg", "sr", "mk", "be"), "cp1251"),
    **dict.fromkeys(("lt", "lv", "et"), "cp1257"),
    **{"el": "cp1253", "tr": "cp1254", "he": "cp1255", "ar": "cp1256", "ja": "shift_jis"},
    **{"ko": "euc_kr", "zh": "gb18030"},
}
_OLD_EXCEL = bytes.fromhex("d0cf11e0a1b11ae1")
SAVE_AS = "In a spreadsheet choose File, Save as, CSV UTF-8."


@dataclass(frozen=True)
class FileShape:
    """How a file is to be read. ``encoding`` and ``delimiter`` are of CSV, ``sheet`` of Excel."""

    kind: str  # csv or xlsx
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    has_header: bool = True

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> FileShape:
        return cls(**{name: given[name] for name in cls.__dataclass_fields__ if name in given})


@dataclass(frozen=True)
class Head:
    """The beginning of a file: its headings, and the first rows."""

    header: list[str]
    rows: list[tuple[int, list[str]]]


def recognise(data: bytes, language: str = "en") -> FileShape:
    """Find out how a file is to be read; ``language`` is the business's own (``pl``).

    Raises :class:`InvalidError` where it cannot be read.
    """
    if len(data) > MAX_UPLOAD_BYTES:
        raise too_large(len(data))
    if not data.strip(b"\0 \t\r\n"):
        raise InvalidError("The file is empty.")
    if data.startswith(_OLD_EXCEL):
        raise InvalidError(
            "This is a workbook of Excel 97 to 2003 (.xls). Please save it as .xlsx or as CSV."
        )
    if is_zip(data):
        check_workbook(data)
        shape = FileShape("xlsx", sheet=sheet_names(data)[0])
    else:
        encoding = _find_encoding(data, language)
        _refuse_noise(data, encoding)
        shape = FileShape("csv", encoding, _find_delimiter(data, encoding))
    first = next(_rows(data, shape), None)
    if first is None:
        raise InvalidError("The file has no rows.")
    return FileShape(**{**asdict(shape), "has_header": _is_header(first[1])})


def too_large(size: int) -> InvalidError:
    """The refusal of a file with so many bytes."""
    return InvalidError(
        f"The file has {size / 1_000_000:,.0f} MB; at most {MAX_UPLOAD_BYTES // 1_000_000} MB can "
        "be imported at once. Please split it."
    )


def read_head(data: bytes, shape: FileShape, count: int) -> Head:
    """The headings of a file and its first rows."""
    rows = list(islice(_rows(data, shape), count + 1))
    if not rows:
        raise InvalidError("The file has no rows.")
    width = max(len(cells) for _, cells in rows)
    header = [cell.strip() for cell in rows[0][1]] if shape.has_header else []
    header += [""] * (width - len(header))
    named = [name or f"Column {index}" for index, name in enumerate(header, 1)]
    return Head(named, rows[1:] if shape.has_header else rows[:count])


def read_rows(data: bytes, shape: FileShape) -> Iterator[tuple[int, list[str]]]:
    """(line in the file, cells) of every row that is not empty, without the headings.

    Raises :class:`InvalidError` where the file cannot be read on, or has more than MAX_ROWS.
    """
    rows = _rows(data, shape)
    for number, row in enumerate(islice(rows, 1, None) if shape.has_header else rows):
        if number >= MAX_ROWS:
            raise InvalidError(f"The file has more than {MAX_ROWS:,} rows. Please split it.")
        yield row


def _rows(data: bytes, shape: FileShape) -> Iterator[tuple[int, list[str]]]:
    found = read_workbook(data, shape.sheet) if shape.kind == "xlsx" else _csv_rows(data, shape)
    for line, cells in found:
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            continue
        if len(cells) > MAX_COLUMNS:
            raise InvalidError(
                f"Line {line} has {len(cells):,} columns; at most {MAX_COLUMNS} can be read."
            )
        yield line, cells


class _Lines:
    """The lines of a text, of which no record may take more than MAX_RECORD_CHARS."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self.stream = stream
        self.line = 0
        self.chars = 0  # since the record began

    def __iter__(self) -> Iterator[str]:
        while line := self.stream.readline(MAX_RECORD_CHARS + 1):
            self.line += 1
            self.chars += len(line)
            if self.chars > MAX_RECORD_CHARS:
                raise InvalidError(
                    f"The row that ends in line {self.line} has more than {MAX_RECORD_CHARS:,} "
                    "characters. A quotation mark may be opened there and never closed."
                )
            yield line.replace("\0", "")


def _csv_rows(data: bytes, shape: FileShape) -> Iterator[tuple[int, list[str]]]:
    stream = io.TextIOWrapper(io.BytesIO(data), shape.encoding, errors="replace", newline="")
    lines = _Lines(stream)
    reader = csv.reader(iter(lines), delimiter=shape.delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            lines.chars = 0
            line, begins = begins, reader.line_num + 1
            # Excel's own way of saying which delimiter a file has.
            if line == 1 and re.fullmatch(r"sep=.?", "".join(cells)):
                continue
            yield line, cells
    except csv.Error as error:
        raise InvalidError(
            f"The file cannot be read from line {begins} on ({error}). Quotation marks inside a "
            'cell are written twice: "Anna ""Annie"" Berg".'
        ) from error


def _find_encoding(data: bytes, language: str) -> str:
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in data[:_SAMPLE_BYTES]:
        return _utf_16_without_mark(data[:_SAMPLE_BYTES])
    try:
        codecs.decode(data, "utf-8")
    except UnicodeDecodeError as error:
        return _single_byte(data, error.start, _USUAL.get(language, _WESTERN))
    return "utf-8-sig"


def _utf_16_without_mark(sample: bytes) -> str:
    """Latin letters in UTF-16 are every second byte a zero, and always the same one."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) / 5 and min(even, odd) < max(even, odd) / 20:
        return "utf-16-be" if even > odd else "utf-16-le"
    raise _no_text()


def _no_text() -> InvalidError:
    return InvalidError(f"This is no text file, but a picture, a document or a program. {SAVE_AS}")


def _refuse_noise(data: bytes, encoding: str) -> None:
    """Raise :class:`InvalidError` where much of it is no letters: any bytes are text in some
    encoding."""
    text = data[:_SAMPLE_BYTES].decode(encoding, errors="replace")
    noise = sum(char < " " and char not in "\t\r\n" for char in text)
    if noise > len(text) / 50:
        raise _no_text()


def _single_byte(data: bytes, first_foreign: int, usual: str) -> str:
    """The likeliest of the encodings that tell nothing of themselves, by the letters it makes."""
    start = max(0, first_foreign - _SAMPLE_BYTES // 4)
    # Only lines that have foreign letters say anything.
    lines = data[start : start + 50 * _SAMPLE_BYTES].splitlines()
    foreign = b"\n".join(line for line in lines if not line.isascii())[:_SAMPLE_BYTES]
    found = from_bytes(foreign, cp_isolation=list(_GUESSED))
    best = found.best()
    chaos = {match.encoding: match.chaos for match in found}
    if best is None:
        return usual
    return usual if chaos.get(usual, 1.0) <= best.chaos + _CLEARLY else str(best.encoding)


def _find_delimiter(data: bytes, encoding: str) -> str:
    """The delimiter by which most of the first rows have equally many columns, and many of them.

    csv.Sniffer is not asked: it takes letters for delimiters where there is one column, and
    quotation marks around a comma lead it astray.
    """
    stream = io.TextIOWrapper(io.BytesIO(data), encoding, errors="replace", newline="")
    first = stream.readline(20)
    named = re.match("sep=(.)", first.lstrip("\ufeff"))
    if named and named.group(1) in DELIMITERS:
        return named.group(1)
    best, best_score = DELIMITERS[0], 0.0
    for delimiter in DELIMITERS:
        score = _regularity(data, FileShape("csv", encoding, delimiter))
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _regularity(data: bytes, shape: FileShape) -> float:
    """From 0 (one column, or none that can be read) upwards."""
    widths = []
    try:
        for _, cells in islice(_csv_rows(data, shape), _SAMPLE_ROWS):
            if any(cells):
                widths.append(len(cells))
    except InvalidError:
        if len(widths) < 2:
            return 0.0
    if not widths:
        return 0.0
    width, times = Counter(widths).most_common(1)[0]
    width = max(width, widths[0]) if times == 1 else width
    return times / len(widths) + min(width, 20) / 100 if width > 1 else 0.0


def _is_header(cells: list[str]) -> bool:
    """Whether a row names columns: nobody's address or number stands in it."""
    return not any("@" in cell or re.fullmatch(r"[+\d][\d\s().\-/]{5,}", cell) for cell in cells)
