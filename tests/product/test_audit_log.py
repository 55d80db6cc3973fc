"""The audit log for people: its filters and pages, and the file."""

from __future__ import annotations

import ast
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from master_template.server_settings.audit_log_service import _choices
from tests.product.studio import DOMAIN, Caller, Refused, Studio
from tests.product.walking import SERVER_CODE, specs

MIA = f"mia@{DOMAIN}"


def add_entries(studio: Studio, resource_id: str, moments: list[datetime], **values: Any) -> None:
    """Entries behind the server's back."""
    row = {"action": "update", "resource_type": "robot", "user_email": MIA, **values}
    for moment in moments:
        studio.query(
            "INSERT INTO app.audit_log (logged_at, resource_id, action, resource_type, user_email,"
            " changes, details) VALUES (%s, %s, %s, %s, %s, %s::jsonb, '{}')",
            moment,
            resource_id,
            row["action"],
            row["resource_type"],
            row["user_email"],
            row.get("changes", "{}"),
        )


def entries(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.call("list_audit_entries", query)["entries"]
    return found


def test_shows_who_did_what_before_and_after(studio: Studio) -> None:
    with studio.person("mia") as mia:
        person = {"first_name": "Ada", "last_name": "Audit", "tags": ["a"]}
        made = mia.call("create_contact", person)["contact"]
        number = made["contact_id"]
        mia.call("update_contact", number, {"company": "Engines"}, 1)
    with studio.person("olga") as olga:
        update, create = entries(olga, resource_id=number)
    assert (update["person"], update["action"], update["resource_type"]) == (
        MIA,
        "update",
        "contact",
    )
    assert update["changes"] == [{"field": "company", "before": None, "after": "Engines"}]
    assert {"field": "tags", "before": None, "after": ["a"]} in create["changes"]
    assert not update["is_hidden"] and update["ip_address"]


def test_filters_by_everything(studio: Studio) -> None:
    now = datetime.now(UTC)
    add_entries(studio, "R-1", [now])
    add_entries(studio, "R-1", [now], user_email="100%_me@example.com")
    add_entries(studio, "R-1", [now], action="delete")
    add_entries(studio, "R-2", [now])
    with studio.person("olga") as olga:

        def count(**query: Any) -> int:
            answer = olga.call("list_audit_entries", {"resource_type": "robot", **query})
            assert answer["total"] == len(answer["entries"])
            return int(answer["total"])

        assert count() == 4
        assert count(resource_id="R-1") == 3
        assert count(person="MIA@") == 3
        assert count(person="%_ME") == 1
        assert count(person="%") == 1
        assert count(person="nobody at all") == 0
        assert count(action="delete") == 1
        assert count(action="delete", person="mia", resource_id="R-2") == 0


def test_days_are_those_of_the_business(studio: Studio) -> None:
    """In Johannesburg the 14th of March lasts from 22:00 to 22:00 UTC."""
    first = datetime(2026, 3, 13, 22, 0, tzinfo=UTC)
    last = datetime(2026, 3, 14, 21, 59, 59, tzinfo=UTC)
    add_entries(
        studio,
        "day",
        [first - timedelta(seconds=1), first, last, last + timedelta(seconds=1)],
    )
    with studio.person("olga") as olga:

        def found(**query: Any) -> int:
            return len(entries(olga, resource_id="day", **query))

        assert found(since="2026-03-14", until="2026-03-14") == 2
        assert found(since="2026-03-14") == 3
        assert found(until="2026-03-14") == 3
        with pytest.raises(Refused) as refused:
            olga.call("list_audit_entries", {"since": "2026-03-15", "until": "2026-03-14"})
        assert list(refused.value.fields) == ["until"]


def test_pages_show_each_entry_once_also_those_of_one_moment(studio: Studio) -> None:
    now = datetime(2026, 4, 1, tzinfo=UTC)
    moments = [now + timedelta(seconds=n // 4) for n in range(30)]
    moments += [now + timedelta(days=1)] * 11
    for number, moment in enumerate(moments):
        add_entries(studio, "pages", [moment], changes=f'{{"number": [null, {number}]}}')
    with studio.person("olga") as olga:
        seen: list[int] = []
        after = None
        while not seen or after is not None:
            query = {"resource_id": "pages", "page_size": 7, "after": after}
            answer = olga.call("list_audit_entries", query)
            assert answer["total"] == 41
            seen += [entry["changes"][0]["after"] for entry in answer["entries"]]
            after = answer["next"]
    assert sorted(seen) == list(range(41))
    shown = [moments[number] for number in seen]
    assert shown == sorted(moments, reverse=True)


@pytest.mark.parametrize("after", ["x", "[]", '["2026-01-01", 0]', '["2026-01-01T00:00Z", -1]'])
def test_a_damaged_address_is_told(studio: Studio, after: str) -> None:
    with studio.person("olga") as olga, pytest.raises(Refused, match="address is damaged"):
        olga.call("list_audit_entries", {"after": after})


def test_what_one_may_not_see_is_not_in_the_log_either(studio: Studio) -> None:
    own = '{"settings.view": true, "customers.view": false}'
    update = "UPDATE app.users SET permissions = %s::jsonb WHERE role = 'staff'"
    with studio.person("mia") as mia:
        person = {"first_name": "Hidden", "last_name": "Person"}
        number = mia.call("create_contact", person)["contact"]["contact_id"]
    studio.query(update, own)
    try:
        with studio.person("sam") as sam:
            [entry] = entries(sam, resource_id=number)
            file = csv_rows(sam, {"resource_id": number})
    finally:
        studio.query(update, "{}")
    assert entry["is_hidden"] and entry["changes"] == entry["details"] == []
    assert "Hidden" not in str(entry) and "Hidden" not in str(file)


def test_who_sees_a_part_of_the_customers_does_not_see_the_log(studio: Studio) -> None:
    """It tells of all of them."""
    update = "UPDATE app.users SET scope = %s::jsonb WHERE role = 'manager'"
    studio.query(update, '{"can_manage_all": false, "customer_tags": ["Mine"]}')
    try:
        with studio.person("mia") as mia:
            for name in ("list_audit_entries", "export_audit_log"):
                with pytest.raises(Refused, match="permission_denied"):
                    mia.call(name)
    finally:
        studio.query(update, "null")


def csv_rows(caller: Caller, filters: dict[str, Any]) -> list[dict[str, str]]:
    caller.call("export_audit_log", filters)
    [content] = caller.socket.media.values()
    caller.socket.media.clear()
    return list(csv.DictReader(io.StringIO(bytes(content).decode("utf-8-sig"))))


def test_the_file_holds_what_matches_and_no_formulas(studio: Studio) -> None:
    evil = '=HYPERLINK("http://evil.example")'
    add_entries(
        studio,
        "=1+1",
        [datetime(2026, 5, 1, 12, tzinfo=UTC)],
        user_email="@SUM(A1)",
        changes='{"=cmd": ["-2+3", "Zoë"]}',
    )
    with studio.person("mia") as mia:
        made = mia.call("create_contact", {"first_name": evil, "last_name": "=B"})["contact"]
        mia.call("add_note_to_contact", made["contact_id"], "@note")
        rows = csv_rows(mia, {"resource_id": made["contact_id"]})
        [row] = csv_rows(mia, {"resource_id": "=1+1"})
    assert [each["action"] for each in rows] == ["add_note", "create"]
    assert row["time"] == "2026-05-01T14:00:00+02:00"
    assert row["changes"] == "'=cmd: -2+3 → Zoë"
    for cell in (*row.values(), *(cell for each in rows for cell in each.values())):
        assert not cell.startswith(("=", "+", "-", "@")), cell


def test_taking_the_file_is_recorded(studio: Studio) -> None:
    add_entries(studio, "R-3", [datetime.now(UTC)] * 3)
    with studio.person("mia") as mia:
        csv_rows(mia, {"resource_id": "R-3"})
        [entry] = entries(mia, resource_type="audit_log", action="export")[:1]
    details = {each["field"]: each["value"] for each in entry["details"]}
    assert entry["person"] == MIA
    assert details["filters"]["resource_id"] == "R-3" and details["rows"] == 3


def test_the_words_to_filter_by_are_those_of_the_log(studio: Studio) -> None:
    with studio.person("olga") as olga:
        answer = olga.call("list_audit_entries", {})
    assert {"contact", "settings", "user"} <= set(answer["resource_types"])
    assert {"create", "log_in", "update"} <= set(answer["actions"])
    used = studio.query("SELECT DISTINCT resource_type, action FROM app.audit_log")
    for thing, action in used:
        if thing != "robot":
            assert thing in answer["resource_types"] and action in answer["actions"]


def test_whatever_the_code_records_can_be_filtered_by() -> None:
    """Also what no test has recorded yet: every pair of words that stands in the code."""
    specs()
    known = _choices()
    words: set[tuple[str, str]] = set()
    for file in SERVER_CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
                kinds = zip(("actions", "resource_types"), node.args, strict=False)
                words |= {
                    (kind, each.value)
                    for kind, each in kinds
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
    assert len(words) > 40
    assert {(kind, word) for kind, word in words if word not in known[kind]} == set()
