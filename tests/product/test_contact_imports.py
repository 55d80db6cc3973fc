"""Imports of contacts by people who work here: from the upload to the file of what was refused."""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from app_server.limits import LONGEST_CRASH_PAUSE_SECONDS
from tests.app_server.running import CallFailed
from tests.product import importing
from tests.product.studio import Caller, Refused, Studio

log = logging.getLogger("tests.imports")
HEADER = "First name;Last name;E-mail;Phone;Newsletter\n"


@pytest.fixture(scope="module")
def mia(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.person("mia") as caller:
        yield caller


def rows_of(studio: Studio, *emails: str) -> list[tuple[object, ...]]:
    return studio.query(
        "SELECT email, first_name, phone, company, tags, preferences->>'marketing_opt_in', version "
        "FROM app.contacts WHERE email = ANY(%s) ORDER BY email",
        list(emails),
    )


def test_goes_from_a_file_to_contacts_by_way_of_a_dry_run(
    mia: Caller, empty_studio: Studio
) -> None:
    data = (
        "Vorname;Nachname;E-Mail-Adresse;Telefon;Ort;Erstellt\n"
        "Jürgen;Großmann;J.Grossmann@Example.com;082 555 0101;Köln;14.03.2024\n"
        ";;only@example.com;;;\n"
        "Bad;Mail;bad@;;;\n"
        ";;;;Nowhere;\n"
        "Again;Ana;ONLY@example.com;;;\n"
    ).encode("cp1252")
    started = importing.upload(mia, data)
    assert started["header"][2] == "E-Mail-Adresse"
    assert started["mapping"] == ["first_name", "last_name", "email", "phone", "address.city", ""]
    mapping = [*started["mapping"][:5], "date_added"]
    before = empty_studio.query("SELECT count(*) FROM app.contacts")
    checked = importing.check(mia, started, mapping=mapping, tags=["fair 2026"])
    assert (checked["state"], checked["total_rows"]) == ("checked", 5)
    assert checked["checked_counts"] == {"created": 2, "refused": 3}
    assert empty_studio.query("SELECT count(*) FROM app.contacts") == before
    refused = list(csv.reader(io.StringIO(importing.problems(mia, checked["import_id"]))))
    assert [row[-2] for row in refused] == ["Line", "4", "5", "6"]
    assert "E-mail must be an e-mail address" in refused[1][-1]
    assert "no name, e-mail address or telephone" in refused[2][-1]
    assert refused[3][-1] == "Line 3 of the file is the same person."
    mia.call("start_contact_import", checked["import_id"])
    done = importing.wait_for(mia, checked["import_id"])
    assert (done["state"], done["counts"]) == ("done", checked["checked_counts"])
    assert rows_of(empty_studio, "j.grossmann@example.com", "only@example.com") == [
        ("j.grossmann@example.com", "Jürgen", "+27 82 555 0101", None, ["fair 2026"], "false", 1),
        ("only@example.com", None, None, None, ["fair 2026"], "false", 1),
    ]
    [(since,)] = empty_studio.query(
        "SELECT date_added FROM app.contacts WHERE email = 'j.grossmann@example.com'"
    )
    assert since.isoformat() == "2024-03-13T22:00:00+00:00"  # midnight in Johannesburg


@pytest.mark.parametrize(
    ("on_duplicate", "counts", "left"),
    [
        ("skip", {"skipped": 1}, ("Old", None, "Old Ltd", ["a"])),
        ("fill", {"updated": 1}, ("Old", "+27 82 555 0199", "Old Ltd", ["a", "b"])),
        ("overwrite", {"updated": 1}, ("New", "+27 82 555 0199", "Old Ltd", ["a", "b"])),
    ],
)
def test_people_who_are_there_become_what_was_chosen(
    mia: Caller,
    empty_studio: Studio,
    on_duplicate: str,
    counts: dict[str, int],
    left: tuple[object, ...],
) -> None:
    email = f"{on_duplicate}@example.com"
    contact = {"first_name": "Old", "last_name": "Name", "email": email, "company": "Old Ltd"}
    mia.call("create_contact", {**contact, "tags": ["a"]})
    data = f"first name,last name,email,phone,company,tags\nNew,Name,{email},082 555 0199,,b\n"
    done = importing.bring_in(mia, data.encode(), on_duplicate=on_duplicate)
    assert done["counts"] == counts
    [(_, first, phone, company, tags, _, _)] = rows_of(empty_studio, email)
    assert (first, phone, company, tags) == left


def test_a_telephone_finds_who_has_no_address_but_never_joins_two_addresses(
    mia: Caller, empty_studio: Studio
) -> None:
    phone = "+27 82 555 0300"
    mia.call("create_contact", {"first_name": "Tel", "last_name": "Only", "phone": phone})
    data = (
        b"Name,E-mail,Phone\n"
        b"Tel Only,tel@example.com,082 555 0300\n"
        b"Ben Partner,partner@example.com,082 555 0300\n"
        b"Tel Only,,+27825550300\n"
    )
    by_email = importing.check(mia, importing.upload(mia, data))
    assert by_email["checked_counts"] == {"created": 2, "unchanged": 1}
    done = importing.bring_in(mia, data, match_by="email_or_phone")
    assert done["counts"] == {"updated": 1, "created": 1, "refused": 1}
    found = empty_studio.query(
        "SELECT first_name, email FROM app.contacts WHERE phone = %s ORDER BY number", phone
    )
    assert found == [("Tel", "tel@example.com"), ("Ben", "partner@example.com")]


def test_all_of_a_file_come_into_a_segment_also_those_who_were_there(mia: Caller) -> None:
    given = {"segment_name": "Fair 2026", "segment_type": "static"}
    segment_id = mia.call("create_segment", given)["segment"]["segment_id"]
    there = {"first_name": "Sid", "last_name": "There", "email": "sid@fair.example"}
    mia.call("create_contact", there)
    data = b"Name,E-mail\nSid There,sid@fair.example\nNew Nora,nora@fair.example\nBad,bad@\n"
    done = importing.bring_in(mia, data, segment=segment_id)
    assert done["counts"] == {"unchanged": 1, "created": 1, "refused": 1}
    found = mia.call("get_segment_contacts", segment_id)["contacts"]
    assert {each["email"] for each in found} == {"sid@fair.example", "nora@fair.example"}
    # Once more nobody changes, and nobody is in it twice.
    again = importing.bring_in(mia, data, segment=segment_id)
    assert again["counts"] == {"unchanged": 2, "refused": 1}
    assert mia.call("get_segment_count", segment_id)["count"] == 2
    for wrong in ("S-99999", by_rules(mia)):
        with pytest.raises(Refused):
            importing.check(mia, importing.upload(mia, data), segment=wrong)


def by_rules(caller: Caller) -> str:
    """The id of a segment that nobody is put into by hand."""
    rules = {"rules": [{"field": "city", "operator": "is_any_of", "value": ["Paarl"]}]}
    given = {"segment_name": "In Paarl", "filter_criteria": rules}
    segment_id: str = caller.call("create_segment", given)["segment"]["segment_id"]
    return segment_id


def test_nobody_is_subscribed_unless_somebody_says_how_they_agreed(
    mia: Caller, empty_studio: Studio
) -> None:
    data = (
        HEADER + "Yes;Please;yes@example.com;;yes\n"
        "No;Thanks;no@example.com;;no\n"
        "Not;Said;unsaid@example.com;;\n"
        "Was;In;wasin@example.com;;no\n"
        "Went;Out;wentout@example.com;;yes\n"
    ).encode()
    for name, agreed in (("wasin", True), ("wentout", True)):
        made = mia.call(
            "create_contact",
            {
                "first_name": name,
                "last_name": "There",
                "email": f"{name}@example.com",
                "preferences": {"marketing_opt_in": agreed},
            },
        )["contact"]
    mia.call("set_marketing_consent", made["contact_id"], False, "Asked on the telephone")
    with pytest.raises(Refused) as refused:
        importing.check(mia, importing.upload(mia, data), consent="column")
    assert "how and when these people agreed" in refused.value.fields["consent_evidence"]
    evidence = "Ticked the box on our booking form since 2022"
    done = importing.bring_in(mia, data, consent="column", consent_evidence=evidence)
    assert done["counts"] == {"created": 3, "updated": 1, "unchanged": 1, "kept_out": 1}
    emails = ["yes", "no", "unsaid", "wasin", "wentout"]
    found = rows_of(empty_studio, *(f"{name}@example.com" for name in emails))
    assert {str(row[0]).split("@")[0]: row[5] for row in found} == {
        "yes": "true",
        "no": "false",
        "unsaid": "false",
        "wasin": "false",
        "wentout": "false",
    }
    kept = empty_studio.query(
        "SELECT is_given, evidence FROM app.consents WHERE email = 'yes@example.com'"
    )
    assert kept == [(True, f"Imported from people.csv: {evidence}")]


def test_who_has_unsubscribed_by_a_mail_is_not_subscribed_by_a_file(
    mia: Caller, empty_studio: Studio
) -> None:
    mia.call("add_suppression", "gone@example.com", "manual")
    data = b"Name,E-mail\nGone Girl,gone@example.com\n"
    done = importing.bring_in(
        mia, data, consent="all", consent_evidence="A list from the fair of 2026"
    )
    assert done["counts"] == {"created": 1, "kept_out": 1}
    assert rows_of(empty_studio, "gone@example.com")[0][5] == "false"


def test_of_a_deleted_and_a_live_contact_with_one_address_the_live_one_counts(
    mia: Caller, empty_studio: Studio
) -> None:
    person = {"first_name": "Twice", "last_name": "Born", "email": "twice@example.com"}
    first = mia.call("create_contact", person)["contact"]
    mia.call("delete_contact", first["contact_id"])
    data = b"Name,E-mail,Company\nTwice Born,twice@example.com,Phoenix\n"
    assert importing.bring_in(mia, data)["counts"] == {"refused": 1}
    mia.call("create_contact", person)
    assert importing.bring_in(mia, data)["counts"] == {"updated": 1}
    with empty_studio.uplink() as script:
        rows = [{"row": 2, **person, "company": "Phoenix Ltd"}]
        assert script.call("import_contacts", rows)["updated"] == 1


def kill_workers(studio: Studio) -> None:
    """Kill every process that runs the app's code, without a chance to clean up."""
    for process in psutil.Process(studio.server.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if not process.children():
                process.kill()


def progress(mia: Caller, import_id: str) -> dict[str, Any]:
    """How far an import is; nobody answers for a moment after a kill, and for up to a minute after
    many of them, which are taken for a crash loop."""
    until = time.monotonic() + LONGEST_CRASH_PAUSE_SECONDS + 30
    while time.monotonic() < until:
        with contextlib.suppress(CallFailed):
            found: dict[str, Any] = mia.call("get_contact_import", import_id)["import"]
            return found
        time.sleep(0.05)
    raise AssertionError("the server has not answered since the kill")


def test_kills_leave_nobody_out_and_bring_nobody_in_twice(
    mia: Caller, empty_studio: Studio
) -> None:
    """With MYBIZZ_FULL=1 at full size: 50,000 rows and 20 kills."""
    count, kills = (50_000, 20) if os.environ.get("MYBIZZ_FULL") else (1_500, 1)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    log.info("seed %d", seed)
    lines = [f"Kill {n},k{n}@example.com\n" for n in range(count)]
    lines[700] = "Broken,broken@\n"
    lines[900] = "Kill 3,k3@example.com\n"  # of a batch long before
    data = ("Name,E-mail\n" + "".join(lines)).encode()
    started = time.monotonic()
    checked = importing.check(mia, importing.upload(mia, data))
    assert checked["checked_counts"] == {"created": count - 2, "refused": 2}
    import_id = checked["import_id"]
    log.info("checked after %.0f s", time.monotonic() - started)
    mia.call("start_contact_import", import_id)
    killed = 0
    for target in sorted(chance.sample(range(count - 300), kills)):
        while (now := progress(mia, import_id))["state"] == "working":
            if now["done_rows"] > target:
                kill_workers(empty_studio)
                killed += 1
                # The lease of the dead has run out.
                empty_studio.query(
                    "UPDATE app.contact_imports SET leased_until = now() - interval '1 second' "
                    "WHERE import_id = %s AND state = 'working'",
                    import_id,
                )
                break
            time.sleep(0.05)
    while (done := progress(mia, import_id))["state"] == "working":
        time.sleep(0.05)
    log.info("%d kills, imported after %.0f s", killed, time.monotonic() - started)
    assert (done["state"], done["done_rows"]) == ("done", count)
    assert done["counts"] == checked["checked_counts"]
    [(total, different)] = empty_studio.query(
        "SELECT count(*), count(DISTINCT email) FROM app.contacts "
        "WHERE email LIKE 'k%%@example.com'"
    )
    assert (total, different) == (count - 2, count - 2)
    assert "Line 5 of the file is the same person." in importing.problems(mia, import_id)


def test_says_what_cannot_be_done_now_and_what_is_wrong_with_a_plan(mia: Caller) -> None:
    started = importing.upload(mia, b"Name,E-mail\nAna,ana1@example.com\n")
    for step in ("start_contact_import", "resume_contact_import"):
        with pytest.raises(Refused) as refused:
            mia.call(step, started["import_id"])
        assert refused.value.code == "import_state"
    with pytest.raises(Refused) as refused:
        importing.check(mia, started, mapping=["email", "email"])
    assert "Two columns are meant to be E-mail" in refused.value.fields["mapping"]
    with pytest.raises(Refused) as refused:
        importing.check(mia, started, mapping=["", ""])
    assert "which column has the name" in refused.value.fields["mapping"]
    again = mia.call("reread_contact_import", started["import_id"], {"delimiter": "semicolon"})
    assert again["import"]["header"] == ["Name,E-mail"]
    mia.call("delete_contact_import", started["import_id"])
    with pytest.raises(Refused) as refused:
        mia.call("get_contact_import", started["import_id"])
    assert refused.value.code == "not_found"


def test_a_file_that_is_none_is_refused_at_its_field(mia: Caller) -> None:
    with pytest.raises(Refused) as refused:
        importing.upload(mia, b"\x00\x01" * 500, "photo.jpg")
    assert "no text file" in refused.value.fields["file"]


def test_is_for_those_who_may_change_contacts(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam, pytest.raises(Refused) as refused:
        importing.upload(sam, b"Name,E-mail\nAna,ana2@example.com\n")
    assert refused.value.code == "permission_denied"
