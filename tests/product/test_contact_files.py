"""Files that people upload: whatever they are, they are read right or refused in one sentence."""

from __future__ import annotations

import contextlib
import io
import zipfile
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from master_template.server_customers import contact_import_files as files
from master_template.server_customers.contact_import_rows import RowReader
from master_template.server_shared.config import Business
from master_template.server_shared.errors import InvalidError

PEOPLE = [
    ["Vorname", "Nachname", "E-Mail", "Notiz"],
    ["Jürgen", "Großmann", "j@example.com", 'sagt "später"; zweimal, heute'],
    ["Élodie", "Moreau", "e@example.com", "erste Zeile\nzweite"],
    ["Ana", "Núñez", "ana@example.com", ""],
]


def as_csv(rows: list[list[str]], delimiter: str = ",") -> str:
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
    return "".join(delimiter.join(row) + "\r\n" for row in quoted)


def read(data: bytes, language: str = "en") -> tuple[files.Head, list[tuple[int, list[str]]]]:
    shape = files.recognise(data, language)
    return files.read_head(data, shape, 5), list(files.read_rows(data, shape))


def workbook(rows: list[list[Any]], **parts: bytes) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    if parts:
        with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("cell", "order", "day"),
    [
        ("1988-03-14", "dmy", date(1988, 3, 14)),
        ("14.3.1988", "dmy", date(1988, 3, 14)),
        ("03/14/88", "mdy", date(1988, 3, 14)),
        ("1988-03-14 00:00:00", "dmy", date(1988, 3, 14)),
        ("1/2/99", "dmy", date(1999, 2, 1)),
        ("1/2/19", "dmy", date(2019, 2, 1)),
        ("2999-01-01", "dmy", None),
        ("soon", "dmy", None),
    ],
)
def test_reads_birthdays_as_people_write_them(cell: str, order: str, day: date | None) -> None:
    plan = {
        "mapping": ["first_name", "birthday"],
        "consent": "none",
        "tags": [],
        "date_order": order,
    }
    reader = RowReader(plan, Business("Sunrise Yoga", time_zone="Africa/Johannesburg"))
    if day is not None:
        assert reader.read(["Ana", cell])["birthday"] == day
        return
    with pytest.raises(InvalidError) as raised:
        reader.read(["Ana", cell])
    assert "Birthday" in raised.value.fields["birthday"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-32"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_reads_encodings_and_delimiters(encoding: str, delimiter: str) -> None:
    head, rows = read(as_csv(PEOPLE, delimiter).encode(encoding))
    assert head.header == PEOPLE[0]
    assert [line for line, _ in rows] == [2, 3, 5]
    assert [(cells + [""])[:4] for _, cells in rows] == PEOPLE[1:]


@pytest.mark.parametrize(
    ("encoding", "language", "rows"),
    [
        ("cp1250", "cs", [["Jméno", "Příjmení"], ["Jiří", "Dvořák"], ["Šárka", "Žižková"]] * 6),
        ("cp1251", "en", [["Имя", "Фамилия"], ["Сергей", "Иванов"], ["Ольга", "Петрова"]] * 6),
        (
            "cp1253",
            "en",
            [["Όνομα", "Επώνυμο"], ["Γιώργος", "Παπαδόπουλος"], ["Ελένη", "Νίκου"]] * 6,
        ),
        (
            "shift_jis",
            "en",
            [["名前", "会社"], ["山田太郎", "株式会社サンプル"], ["佐藤花子", "東京"]] * 6,
        ),
        ("gb18030", "en", [["姓名", "公司"], ["王小明", "北京示例有限公司"], ["李华", "上海"]] * 6),
    ],
)
def test_finds_encodings_that_say_nothing_of_themselves(
    encoding: str, language: str, rows: list[list[str]]
) -> None:
    head, _ = read(as_csv(rows, ";").encode(encoding), language)
    assert head.header == rows[0]


def test_knows_a_file_without_headings_and_names_its_columns() -> None:
    head, rows = read(b"Ana;ana@example.com\nBen;ben@example.com\n")
    assert head.header == ["Column 1", "Column 2"]
    assert rows == [(1, ["Ana", "ana@example.com"]), (2, ["Ben", "ben@example.com"])]


def test_reads_a_single_column_and_what_excel_says_of_the_delimiter() -> None:
    assert read(b"E-mail\nana@example.com\n")[1] == [(2, ["ana@example.com"])]
    assert read(b"sep=|\nName|Town\nAna, B.|Y; Z\n")[1] == [(3, ["Ana, B.", "Y; Z"])]


def test_reads_a_workbook_as_a_person_would_type_it() -> None:
    from datetime import datetime

    rows = [["Name", "Phone", "Since", "VIP", "Postcode", "Gone"]]
    data = workbook([*rows, ["Ana", 27825550101.0, datetime(2024, 3, 14), True, 8001, "#N/A"], []])
    _, found = read(data)
    assert found == [(2, ["Ana", "27825550101", "2024-03-14", "yes", "8001"])]


def archive_of(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


BOMB = b"0" * 250_000_000
HOSTILE = {
    "nothing": b"",
    "only zeros": b"\0" * 5000,
    "zero bytes": bytes(range(256)) * 100,
    "a long line": b"a," + b"x" * 50_000_000,
    "an open quotation mark": b'Name,Mail\n"Ana,ana@example.com\n' + b"x,y\n" * 100_000,
    "many columns": b"Name" + b",x" * 5000 + b"\n",
    "too large": b"a,b\n" * 8_000_000,
    "an old workbook": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 512,
    "half a workbook": workbook([["Name"], ["Ana"]])[:900],
    "any archive": archive_of("a.txt", b"Name\n"),
    "a bomb": workbook([["Name"]], **{"xl/media/a": BOMB}),
    "a bomb of texts": workbook([["Name"]], **{"xl/x/sharedStrings.xml": BOMB[:70_000_000]}),
}


@pytest.mark.parametrize("kind", list(HOSTILE))
def test_refuses_a_hostile_file_in_one_sentence(kind: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read(HOSTILE[kind])
    assert 10 < len(refused.value.message) < 300


def test_refuses_a_sheet_that_lies_about_its_rows() -> None:
    good = workbook([["Name"], ["Ana"]])
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b'r="2"', b'r="99999999999"')
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert read(buffer.getvalue())[1] == []


@given(st.binary(max_size=400))
def test_no_bytes_end_in_anything_but_rows_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(InvalidError):
        read(data)
