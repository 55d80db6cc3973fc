"""Contacts from a CSV file, by the real script over the real uplink."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.uplink.contact_csv import NotContactsError, read_contacts
from tests.product.studio import ROOT, UPLINK_KEY, Studio

HEADER = "First Name,Last Name,E-mail,Phone,Tags\n"
SCRIPT = str(ROOT / "scripts" / "uplink" / "import_contacts.py")


def run_import(
    studio: Studio, file: Path, key: str = UPLINK_KEY
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, str(file), "--url", studio.uplink_url, "--key", key],
        capture_output=True,
        text=True,
        timeout=170,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(ROOT)},
    )


def live(studio: Studio) -> int:
    return int(studio.query("SELECT count(*) FROM app.contacts")[0][0])


def test_imports_once_and_changes_nothing_the_second_time(
    empty_studio: Studio, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        HEADER + 'Ana,Silva,ana@example.com,082 555 0101,vip; morning\nBen,"O\'Brien, Jr",,,\n',
        encoding="utf-8",
    )
    before = live(empty_studio)
    first = run_import(empty_studio, file)
    second = run_import(empty_studio, file)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "2 new, 0 brought up to date, 0 unchanged, 0 refused" in first.stderr
    assert "0 new, 0 brought up to date, 2 unchanged, 0 refused" in second.stderr
    assert live(empty_studio) == before + 2
    tags = empty_studio.query("SELECT tags FROM app.contacts WHERE email = 'ana@example.com'")
    assert tags == [(["vip", "morning"],)]


def test_brings_a_contact_up_to_date_and_empties_nothing(
    empty_studio: Studio, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email,company,tags\nZoë Max,zoe@example.com,Old Ltd,a\n")
    run_import(empty_studio, file)
    file.write_text("name,email,company,tags\nZoë Max,ZOE@example.com,,b\n")
    result = run_import(empty_studio, file)
    assert "0 new, 1 brought up to date" in result.stderr
    found = empty_studio.query(
        "SELECT company, tags, version FROM app.contacts WHERE email = 'zoe@example.com'"
    )
    assert found == [("Old Ltd", ["a", "b"], 2)]


def test_lists_refused_rows_and_writes_them_to_a_file(empty_studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        HEADER + "Good,Row,good@example.com,,\n"
        "Bad,Mail,bad@,,\n"
        ",Nameless,nn@example.com,,\n"
        "Too,Many,x@example.com,,,extra\n"
        "Twice,Row,good@example.com,,\n"
    )
    result = run_import(empty_studio, file)
    assert result.returncode == 1
    assert "1 new, 0 brought up to date, 0 unchanged, 4 refused" in result.stderr
    with (tmp_path / "people.csv.refused.csv").open(encoding="utf-8-sig", newline="") as refused:
        rows = list(csv.DictReader(refused))
    assert [row["Line"] for row in rows] == ["3", "4", "5", "6"]
    assert "E-mail must be an e-mail address" in rows[0]["Reason"]
    assert "First name is required" in rows[1]["Reason"]
    assert "6 cells" in rows[2]["Reason"]
    assert "Line 2" in rows[3]["Reason"]


def test_a_deleted_contact_does_not_come_back_by_an_import(
    empty_studio: Studio, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(HEADER + "Gone,Girl,gone@example.com,,\n")
    run_import(empty_studio, file)
    with empty_studio.person("mia") as mia:
        found = mia.call("list_contacts", {"search": "gone@example.com"})["contacts"]
        mia.call("delete_contact", found[0]["contact_id"])
    result = run_import(empty_studio, file)
    assert result.returncode == 1
    assert "has been deleted" in result.stderr


def test_goes_on_where_an_interrupted_run_stopped(empty_studio: Studio, tmp_path: Path) -> None:
    import hashlib

    file = tmp_path / "people.csv"
    file.write_text(HEADER + "".join(f"R{n},Esume,r{n}@example.com,,\n" for n in range(20)))
    state = {
        "file_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "target": empty_studio.uplink_url + f"127.0.0.1:{empty_studio.server.port}",
        "done_rows": 15,
        "created": 15,
        "refused": [],
    }
    (tmp_path / "people.csv.progress.json").write_text(json.dumps(state))
    before = live(empty_studio)
    result = run_import(empty_studio, file)
    assert live(empty_studio) == before + 5
    assert "20 new" in result.stderr
    assert not (tmp_path / "people.csv.progress.json").exists()


def test_says_when_the_server_or_the_key_is_wrong(empty_studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(HEADER + "Ana,Silva,,,\n")
    wrong = run_import(empty_studio, file, key="server_wrong")
    assert wrong.returncode == 2
    assert "refused the uplink key" in wrong.stderr
    nobody = subprocess.run(
        [sys.executable, SCRIPT, str(file), "--url", "ws://127.0.0.1:9/_/uplink", "--key", "k"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert nobody.returncode == 2
    assert "Nobody answers" in nobody.stderr
    assert "Traceback" not in wrong.stderr + nobody.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_reads_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    file = tmp_path / "people.csv"
    rows = [["Vorname", "Nachname", "E-Mail"], ["Jürgen", "Großmann", "j@example.com"]]
    file.write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding))
    (line,) = read_contacts(file).lines()
    assert line.contact == {
        "first_name": "Jürgen",
        "last_name": "Großmann",
        "email": "j@example.com",
    }


def test_knows_columns_by_many_names(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "Full name;Email Address;Cell number;Organisation;Street;Town;Post code;Newsletter;Shoes\n"
        "Ana de Sá;a@example.com;082;Acme;1 Long St;Cape Town;8001;Yes;42\n"
    )
    contacts = read_contacts(file)
    (line,) = contacts.lines()
    assert contacts.ignored == ["Shoes"]
    assert line.contact == {
        "first_name": "Ana de",
        "last_name": "Sá",
        "email": "a@example.com",
        "phone": "082",
        "company": "Acme",
        "address": {"line1": "1 Long St", "city": "Cape Town", "postal_code": "8001"},
        "preferences": {"marketing_opt_in": True},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not a text file"),
        (b"PK\x03\x04\0\0spreadsheet", "not a text file"),
        (b"Hello there\nthis is a letter\n", "must name the columns"),
        (b"a,b,c\n1,2,3\n", "must name the columns"),
        (b'First name,Last name\n"never closed,x\n', "not a CSV file"),
        (b"First name,Last name\n\x81\x8d,x\n", "neither in UTF-8"),
    ],
)
def test_says_in_one_message_what_is_not_a_csv(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    with pytest.raises(NotContactsError, match=message):
        read_contacts(file)


def test_says_when_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(NotContactsError, match="No such file"):
        read_contacts(tmp_path / "nothing.csv")


def test_brings_10000_contacts_in_well_under_a_minute(empty_studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text(
        HEADER + "".join(f"First{n},Last{n:05},many{n}@example.com,,bulk\n" for n in range(10_000))
    )
    before = live(empty_studio)
    started = time.monotonic()
    result = run_import(empty_studio, file)
    seconds = time.monotonic() - started
    assert result.returncode == 0, result.stderr
    assert live(empty_studio) == before + 10_000
    numbers = empty_studio.query("SELECT max(number), count(*) FROM app.contacts")
    assert numbers[0][0] == numbers[0][1], "numbers have gaps"
    assert seconds < 60
