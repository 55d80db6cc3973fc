"""Exports of contacts: what stands in the file, and who gets it."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.product import importing
from tests.product.studio import Caller, Refused, Studio

MANY = 2_300  # more than one batch, and more than is made at once


@pytest.fixture(scope="module")
def mia(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.person("mia") as caller:
        yield caller


def export(caller: Caller, selection: dict[str, Any], **wanted: Any) -> dict[str, Any]:
    """Ask for a file and wait until it is there."""
    made: dict[str, Any] = caller.call("export_contacts", selection, **wanted)["export"]
    deadline = time.monotonic() + 120
    while made["state"] == "working":
        assert time.monotonic() < deadline, made
        time.sleep(0.05)
        made = caller.call("get_contact_export", made["export_id"])["export"]
    assert made["state"] == "ready", made
    return made


def content(caller: Caller, export_id: str) -> bytes:
    answer = caller.socket.send_call({"command": "download_contact_export"}, [export_id])
    if not answer["success"]:
        raise Refused(answer)
    entry = next(o for o in caller.socket.last["objects"] if "DataMedia" in o["type"])
    return bytes(caller.socket.media.pop(entry["id"]))


def test_a_file_opens_safely_in_a_spreadsheet_and_comes_back_unchanged(mia: Caller) -> None:
    contact = {
        "first_name": "=HYPERLINK(1)",
        "last_name": 'Ön "Top", der\tZweite',
        "email": "export@example.com",
        "phone": "+27 82 555 0400",
        "tags": ["spring; fair", "vip"],
        "internal_notes": "@line one\nline two",
        "address": {"line1": "Long Street 1", "city": "Cape Town"},
    }
    made = mia.call("create_contact", {**contact, "tags": ["vip", "fair"]})["contact"]
    ready = export(mia, {"contact_ids": [made["contact_id"]]})
    data = content(mia, ready["export_id"])
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 2
    [row] = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert row["First name"] == "'=HYPERLINK(1)"
    assert row["Phone"] == "'+27 82 555 0400"
    assert row["Internal notes"] == "'@line one\nline two"
    assert (row["Tags"], row["Spent"], row["City"]) == ("vip; fair", "0.00", "Cape Town")
    assert importing.bring_in(mia, data, on_duplicate="overwrite")["counts"] == {"unchanged": 1}


def test_json_has_the_columns_that_were_asked_for(mia: Caller) -> None:
    email = "json@example.com"
    mia.call("create_contact", {"first_name": "Jay", "last_name": "Son", "email": email})
    ready = export(
        mia, {"query": {"search": email}}, format="json", columns=["email", "marketing_opt_in"]
    )
    found = json.loads(content(mia, ready["export_id"]))
    assert found == [{"email": email, "marketing_opt_in": False}]


def test_a_large_one_is_made_in_batches_and_has_everybody_once(
    mia: Caller, empty_studio: Studio
) -> None:
    rows = "".join(f"Many {n},many{n}@example.com\n" for n in range(MANY))
    importing.bring_in(mia, f"Name,E-mail\n{rows}".encode(), tags=["many"])
    ready = export(mia, {"query": {"tags_all": ["many"]}}, columns=["email"])
    assert ready["total_rows"] == MANY
    lines = content(mia, ready["export_id"]).decode("utf-8-sig").split()
    assert (len(lines), len(set(lines))) == (MANY + 1, MANY + 1)


def test_only_who_asked_for_it_gets_it_and_only_for_a_day(
    mia: Caller, empty_studio: Studio
) -> None:
    email = "mine@example.com"
    mia.call("create_contact", {"first_name": "Only", "last_name": "Mine", "email": email})
    ready = export(mia, {"query": {"search": email}})
    with empty_studio.person("olga") as olga:
        with pytest.raises(Refused) as refused:
            content(olga, ready["export_id"])
        assert refused.value.code == "not_found"
        assert olga.call("list_contact_exports")["exports"] == []
    empty_studio.query(
        "UPDATE app.contact_exports SET expires_at = now() WHERE export_id = %s",
        ready["export_id"],
    )
    with pytest.raises(Refused) as refused:
        content(mia, ready["export_id"])
    assert refused.value.code == "not_found"


def test_nobody_is_no_file(mia: Caller) -> None:
    with pytest.raises(Refused) as refused:
        mia.call("export_contacts", {"query": {"search": "nobody is called this"}})
    assert refused.value.code == "nobody"
