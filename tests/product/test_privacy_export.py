"""What the product gives people about themselves, and what it keeps from them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.product.conftest import fresh_database
from tests.product.studio import Caller, Refused, Studio, copy_template, open_studio

BEADS = """
db_schema:
  classes:
    title: Classes
    client: none
    server: full
    columns:
      - {name: title, type: string}
      - {name: people, type: link_multiple, target: contacts}
  bead_orders:
    title: Bead orders
    client: none
    server: full
    columns:
      - {name: buyer, type: link_single, target: contacts}
      - {name: paid_at, type: datetime}
  bead_lines:
    title: Bead lines
    client: none
    server: full
    columns:
      - {name: bead_order, type: link_single, target: bead_orders}
      - {name: for_whom, type: link_single, target: contacts}
      - {name: colour, type: string}
      - {name: secret, type: string, client_hidden: true}
  guests:
    title: Guests
    client: none
    server: full
    columns:
      - {name: guest_email, type: string}
      - {name: note, type: string}
"""


def contact(**changes: object) -> dict[str, object]:
    return {"first_name": "Ana", "last_name": "Silva", **changes}


def export(caller: Caller, name: str, *args: str) -> tuple[bytes, dict[str, Any]]:
    """The bytes of the file of an export, and its answer."""
    caller.socket.media.clear()
    answer = caller.call(name, *args)
    (content,) = caller.socket.media.values()
    return bytes(content), answer


def export_json(caller: Caller, name: str, *args: str) -> dict[str, Any]:
    content, _ = export(caller, name, *args, "json")
    document: dict[str, Any] = json.loads(content)
    return document


def export_csv(caller: Caller, name: str, *args: str) -> dict[str, list[dict[str, str]]]:
    """The tables of the zip, by name."""
    content, _ = export(caller, name, *args, "csv")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            file.removesuffix(".csv"): list(
                csv.DictReader(io.StringIO(archive.read(file).decode("utf-8-sig"), newline=""))
            )
            for file in archive.namelist()
        }


# The copy of the template tells how often it asked the server while it collected rows.
COUNTED = [
    (
        "    rows = collect(person, schema)\n    tables = _plain_tables(person, rows, schema)\n",
        "    import anvil._threaded_server as wire\n"
        "    asked, ask = [], wire.do_call\n"
        "    wire.do_call = lambda *a, **k: asked.append(k) or ask(*a, **k)\n"
        "    rows = collect(person, schema)\n"
        "    tables = _plain_tables(person, rows, schema)\n"
        "    wire.do_call = ask\n",
    ),
    (
        'return {"file": file, "tables": counts}',
        'return {"file": file, "tables": {**counts, "asked": len(asked)}}',
    ),
]


@contextmanager
def studio_with_beads(folder: Path, postgres_url: str) -> Iterator[Studio]:
    """An instance of a release that has tables which the code of privacy knows nothing of."""
    template = copy_template(
        folder,
        {
            "server_code/server_privacy/export_service.py": COUNTED,
            "server_code/server_privacy/person_rows.py": [
                ("MAX_ROWS = 20_000", "MAX_ROWS = 1_300")
            ],
        },
    )
    manifest = yaml.safe_load((template / "anvil.yaml").read_text())
    manifest["db_schema"] |= yaml.safe_load(BEADS)["db_schema"]
    (template / "anvil.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder, database_url, template=template) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def bead_studio(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    with studio_with_beads(tmp_path_factory.mktemp("beads"), postgres_url) as running:
        yield running


def row_id(studio: Studio, contact_id: str) -> int:
    [(found,)] = studio.query("SELECT _id FROM app.contacts WHERE contact_id = %s", contact_id)
    assert isinstance(found, int)
    return found


def make_busy(studio: Studio, caller: Caller, count: int) -> str:
    """A contact with so many events on the timeline, and the one of being made."""
    made = caller.call("create_contact", contact())["contact"]["contact_id"]
    assert isinstance(made, str)
    studio.query(
        "INSERT INTO app.contact_events (contact, contact_number, description, created_by) "
        "SELECT c._id, c.number, 'Event ' || n, (SELECT min(_id) FROM app.users) "
        f"FROM app.contacts c, generate_series(1, {count}) n WHERE c.contact_id = %s",
        made,
    )
    return made


def test_gives_the_contact_with_its_timeline_and_no_one_elses(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        ana = mia.call("create_contact", contact(email="ana@example.com", tags=["yoga"]))
        ana_id = ana["contact"]["contact_id"]
        other = mia.call("create_contact", contact(first_name="Bo"))["contact"]["contact_id"]
        mia.call("add_note_to_contact", ana_id, "Likes mornings")
        mia.call("add_note_to_contact", other, "Likes evenings")
        found = export_json(mia, "export_contact_data", ana_id)
    assert found["contacts"] == [ana_id]
    assert found["emails"] == ["ana@example.com"]
    [row] = found["tables"]["contacts"]
    assert (row["first_name"], row["tags"], row["number"]) == ("Ana", ["yoga"], int(ana_id[2:]))
    notes = [event["description"] for event in found["tables"]["contact_events"]]
    assert "Likes mornings" in notes and "Likes evenings" not in notes
    assert "settings" not in found["tables"]


def test_a_new_tables_rows_are_exported(bead_studio: Studio) -> None:
    """Tables that no code names: by a link, by a link to such a row, by an e-mail address."""
    with bead_studio.person("mia") as mia:
        made = [mia.call("create_contact", contact(email=f"{n}@bead.example")) for n in "ab"]
        ids = [one["contact"]["contact_id"] for one in made]
        ana, bo = (row_id(bead_studio, contact_id) for contact_id in ids)
        orders = [
            bead_studio.query(
                "INSERT INTO app.bead_orders (buyer, paid_at) VALUES (%s, now()) RETURNING _id", who
            )[0][0]
            for who in (ana, bo)
        ]
        for order, whom, colour in (
            (orders[0], None, "red"),
            (orders[0], bo, "a gift"),
            (orders[1], None, "blue"),
        ):
            bead_studio.query(
                "INSERT INTO app.bead_lines (bead_order, for_whom, colour, secret) "
                "VALUES (%s, %s, %s, 'hush')",
                order,
                whom,
                colour,
            )
        bead_studio.query(
            "INSERT INTO app.guests (guest_email, note) VALUES ('a@bead.example', 'mine'), "
            "('b@bead.example', 'not mine')"
        )
        found = export_json(mia, "export_contact_data", ids[0])["tables"]
        sheets = export_csv(mia, "export_contact_data", ids[0])
    assert len(found["bead_orders"]) == 1 and found["bead_orders"][0]["paid_at"]
    assert [line["colour"] for line in found["bead_lines"]] == ["red"]
    assert "secret" not in found["bead_lines"][0]
    assert [guest["note"] for guest in found["guests"]] == ["mine"]
    assert len(sheets.pop("audit_log")) == len(found.pop("audit_log")) + 1  # the first export
    assert {name: len(rows) for name, rows in sheets.items()} == {
        name: len(rows) for name, rows in found.items()
    }


def test_a_new_tables_rows_keep_a_contact_from_being_erased(bead_studio: Studio) -> None:
    """Until someone has declared what becomes of them."""
    with bead_studio.person("mia") as mia:
        made = mia.call("create_contact", contact(email="kept@bead.example"))["contact"]
        ana = row_id(bead_studio, made["contact_id"])
        bead_studio.query("INSERT INTO app.bead_orders (buyer) VALUES (%s)", ana)
        with pytest.raises(Refused, match="no_erasure_rule"):
            mia.call("erase_contact", made["contact_id"])
        assert mia.call("get_contact", made["contact_id"])["contact"] == made


def test_formulas_are_text_in_a_spreadsheet(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        made = mia.call(
            "create_contact",
            contact(
                first_name="=HYPERLINK(1)",
                last_name="@sum",
                company="-2+3",
                phone="+27 82 555 0101",
                internal_notes='\tx, "y"\n=1+1',
            ),
        )["contact"]
        empty_studio.query(
            "UPDATE app.contacts SET total_spent_cents = 500, source = E'\\rother' "
            "WHERE contact_id = %s",
            made["contact_id"],
        )
        [row] = export_csv(mia, "export_contact_data", made["contact_id"])["contacts"]
    assert row["first_name"] == "'=HYPERLINK(1)"
    assert row["last_name"] == "'@sum"
    assert row["company"] == "'-2+3"
    assert row["phone"] == "'+27 82 555 0101"
    assert row["source"] == "'\rother"
    assert row["total_spent_cents"] == "500"
    assert row["address"].startswith("{")


def test_carl_gets_his_own_and_no_secrets(studio: Studio) -> None:
    with studio.person("mia") as mia:
        made = mia.call(
            "create_contact", contact(first_name="Carl", email="carl@yogastudio.example")
        )
        mia.call("add_note_to_contact", made["contact"]["contact_id"], "Owes us a mat")
    with studio.person("carl") as carl:
        found = export_json(carl, "export_my_data")
    assert found["contacts"] == [made["contact"]["contact_id"]]
    assert [user["email"] for user in found["tables"]["users"]] == ["carl@yogastudio.example"]
    assert not {"password_hash", "mfa", "remembered_logins"} & set(found["tables"]["users"][0])
    assert len(found["tables"]["contacts"]) == 1
    # What mia did with his contact is his to know, that it was mia and from where is hers.
    entries = found["tables"]["audit_log"]
    assert {entry["action"] for entry in entries} == {"create", "add_note", "link", "log_in"}
    assert "mia@" not in json.dumps(entries)


def test_an_account_does_not_get_what_it_only_wrote(studio: Studio) -> None:
    """Mia wrote many things about others; of her own there is the account and the audit log."""
    with studio.person("mia") as mia:
        mia.call("create_contact", contact(email="not-mia@example.com"))
        found = export_json(mia, "export_my_data")
    assert set(found["tables"]) == {"users", "audit_log"}
    # None: the entry of whoever made her account.
    who = {entry["user_email"] for entry in found["tables"]["audit_log"]}
    assert who == {"mia@yogastudio.example", None}
    assert "not-mia@example.com" not in json.dumps(found)


def test_an_export_is_audited_without_what_was_in_it(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        made = mia.call("create_contact", contact(email="watched@example.com"))["contact"]
        export(mia, "export_contact_data", made["contact_id"], "csv")
    [(who, changes)] = empty_studio.query(
        "SELECT user_email, details::text FROM app.audit_log "
        "WHERE action = 'export' AND resource_id = %s",
        made["contact_id"],
    )
    assert who == "mia@yogastudio.example"
    assert '"contacts": 1' in changes and "watched" not in changes


def test_a_thousand_events_take_few_questions(bead_studio: Studio) -> None:
    """What the code asks of the server grows with pages of 500 rows, not with rows."""
    with bead_studio.person("mia") as mia:
        busy = make_busy(bead_studio, mia, 1200)
        content, answer = export(mia, "export_contact_data", busy)
    assert answer["tables"].pop("asked") < 60
    assert len(json.loads(content)["tables"]["contact_events"]) == 1201


def test_more_than_a_call_can_hold_is_refused(bead_studio: Studio) -> None:
    with bead_studio.person("mia") as mia:
        busy = make_busy(bead_studio, mia, 1400)
        for name in ("export_contact_data", "erase_contact"):
            with pytest.raises(Refused, match="too_many_rows"):
                mia.call(name, busy)


@pytest.mark.parametrize("wrong", ["xml", 7])
def test_refuses_other_formats(empty_studio: Studio, wrong: object) -> None:
    with empty_studio.person("mia") as mia, pytest.raises(Refused, match="invalid"):
        mia.call("export_contact_data", "C-1", wrong)


def test_refuses_a_contact_that_is_not_there(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia, pytest.raises(Refused, match="not_found"):
        mia.call("export_contact_data", "C-999999")
