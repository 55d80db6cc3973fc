"""Rows through Anvil's own library: add, read, change, delete, and every type of column."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .library import Library


def test_adds_finds_changes_and_deletes_a_row(app_tables: Any) -> None:
    row = app_tables.people.add_row(first_name="Olga", is_member=True)
    row["Age in years"] = 41
    found = app_tables.people.search(first_name="Olga")
    assert [dict(r)["Age in years"] for r in found] == [41]
    assert app_tables.people.get(first_name="Olga") == row
    row.delete()
    assert len(app_tables.people.search()) == 0


def test_a_column_that_was_not_given_is_none(app_tables: Any) -> None:
    row = app_tables.people.add_row(first_name="Mia")
    fresh = app_tables.people.get_by_id(row.get_id())
    assert dict(fresh) == {
        "first_name": "Mia",
        "Age in years": None,
        "is_member": None,
        "born_on": None,
        "seen_at": None,
        "details": None,
        "photo": None,
        "friend": None,
        "tags": None,
        "secret": None,
    }


def test_row_ids_have_the_form_of_anvil(app_tables: Any) -> None:
    row = app_tables.tags.add_row(label="new")
    table_id = app_tables.tags._id
    assert row.get_id() == f"[{table_id},1]"
    assert app_tables.tags.get_by_id(row.get_id()) == row
    assert app_tables.tags.get_by_id("1") == row
    assert app_tables.tags.get_by_id("[999,1]") is None
    assert app_tables.tags.get_by_id("nonsense") is None
    assert app_tables.tags.get_by_id(2) is None


def reread(app_tables: Any, **values: Any) -> Any:
    row = app_tables.people.add_row(**values)
    return app_tables.people.get_by_id(row.get_id())


@pytest.mark.parametrize("number", [0, 5, -7, 2**31, 2**53 + 1, -(10**40), 0.1, 5.0, 1e22, 1e-300])
def test_numbers_come_back_exactly_and_of_their_type(app_tables: Any, number: float) -> None:
    found = reread(app_tables, **{"Age in years": number})["Age in years"]
    assert found == number
    assert type(found) is type(number)


def test_a_datetime_keeps_its_moment_and_its_zone(app_tables: Any, library: Library) -> None:
    paris = dt.timezone(dt.timedelta(hours=2))
    moment = dt.datetime(2024, 7, 1, 9, 30, 5, 123456, paris)
    found = reread(app_tables, seen_at=moment)["seen_at"]
    assert found == moment
    assert found.utcoffset() == dt.timedelta(hours=2)
    utc = reread(app_tables, seen_at=moment.astimezone(dt.UTC))["seen_at"]
    assert utc.utcoffset() == dt.timedelta(0)


def test_changing_a_datetime_changes_its_zone(app_tables: Any) -> None:
    row = reread(
        app_tables, seen_at=dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    )
    row["seen_at"] = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    found = app_tables.people.get_by_id(row.get_id())["seen_at"]
    assert (found.year, found.utcoffset()) == (2025, dt.timedelta(0))


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "",
        0,
        2.5,
        True,
        [],
        {},
        [1, "two", None, {"three": [4.0]}],
        {"back\\slash": "\\u0000", "uni": "Zoë 🧘"},
    ],
)
def test_a_simple_object_holds_any_json(app_tables: Any, value: object) -> None:
    found = reread(app_tables, details=value)["details"]
    assert found == value
    assert type(found) is type(value)


def test_a_database_administrator_finds_plain_names(app_tables: Any, studio_url: str) -> None:
    app_tables.people.add_row(**{"first_name": "Sam", "Age in years": 30})
    with psycopg.connect(studio_url) as connection:
        rows = connection.execute("SELECT first_name, age_in_years FROM app.people").fetchall()
    assert rows == [("Sam", 30)]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Age in years", "old", "Column 'Age in years' is a number - cannot set it to a string"),
        ("first_name", 5, "Column 'first_name' is a string - cannot set it to a number"),
        ("is_member", 1, "Column 'is_member' is a bool - cannot set it to a number"),
        ("Age in years", True, "Column 'Age in years' is a number - cannot set it to a bool"),
        ("Age in years", float("nan"), "Cannot store NaN in a data table"),
        ("Age in years", float("inf"), "Cannot store Infinity value in a data table"),
        (
            "born_on",
            dt.datetime(2020, 1, 1),
            "Column 'born_on' is a date - cannot set it to a datetime",
        ),
        (
            "friend",
            "Sam",
            "Column 'friend' is a Row from 'People' table - cannot set it to a string",
        ),
        ("tags", [dt.date(2020, 1, 1)], "The only lists you can store in a data table are"),
        ("first_name", "a\0b", "cannot hold text with a NUL character"),
        ("details", {"a": ["\0"]}, "cannot hold text with a NUL character"),
        ("first_name", "\ud800", "half a surrogate pair"),
    ],
)
def test_refuses_a_value_of_the_wrong_type(
    app_tables: Any, column: str, value: object, message: str
) -> None:
    from anvil.tables import TableError

    with pytest.raises(TableError, match=message.replace("(", r"\(")):
        app_tables.people.add_row(**{column: value})
    assert len(app_tables.people.search()) == 0


def test_refuses_an_unknown_column(app_tables: Any) -> None:
    from anvil.tables import NoSuchColumnError

    with pytest.raises(NoSuchColumnError, match="No such column 'nickname'"):
        app_tables.people.add_row(nickname="O")
    row = app_tables.people.add_row()
    with pytest.raises(NoSuchColumnError):
        row.update(nickname="O")
    with pytest.raises(NoSuchColumnError):
        _ = row["nickname"]


def test_a_deleted_row_says_so(app_tables: Any) -> None:
    from anvil.tables import RowDeleted

    row = app_tables.tags.add_row(label="gone")
    again = app_tables.tags.get_by_id(row.get_id())
    again.delete()
    for act in (lambda: row.update(label="x"), row.refresh):
        with pytest.raises(RowDeleted, match="This row has been deleted"):
            act()
    row.delete()  # as on Anvil's server, a second time does nothing


def test_adds_many_rows_at_once_in_their_order(app_tables: Any) -> None:
    rows = app_tables.counters.add_rows([{"name": f"c{n}", "value": n} for n in range(250)])
    assert [row["value"] for row in rows] == list(range(250))
    assert [row["value"] for row in app_tables.counters.search()] == list(range(250))


def test_adds_no_row_when_one_of_many_is_wrong(app_tables: Any) -> None:
    from anvil.tables import TableError

    with pytest.raises(TableError):
        app_tables.counters.add_rows([{"value": 1}, {"value": "two"}])
    assert len(app_tables.counters.search()) == 0


def test_adds_rows_without_values(app_tables: Any) -> None:
    rows = app_tables.counters.add_rows([{}, {"name": "b"}, {}])
    assert [row["name"] for row in rows] == [None, "b", None]
    assert app_tables.counters.add_row()["name"] is None


def test_batches_changes_and_deletions(app_tables: Any, library: Library) -> None:
    import anvil.tables

    a, b, c = app_tables.counters.add_rows([{"value": 0}, {"value": 0}, {"value": 0}])
    with anvil.tables.batch_update:
        a["value"] = 1
        b["name"] = "two"
        b["value"] = 2
        a["value"] = 3
    with anvil.tables.batch_delete:
        c.delete()
    found = [(row["name"], row["value"]) for row in app_tables.counters.search()]
    assert found == [(None, 3), ("two", 2)]


def test_a_batch_is_changed_whole_or_not_at_all(app_tables: Any) -> None:
    import anvil.tables

    a, b = app_tables.counters.add_rows([{"value": 0}, {"value": 0}])
    gone = app_tables.tags.add_row()
    gone.delete()
    with pytest.raises(anvil.tables.RowDeleted), anvil.tables.batch_update:
        a["value"] = 1
        b["value"] = 1
        app_tables.tags.get_by_id  # noqa: B018
        anvil.tables.v2._batcher.batch_update.push(gone._anvil.cap, {"label": "x"}, None)
    assert [row["value"] for row in app_tables.counters.search()] == [0, 0]


def test_saves_drafts_that_link_to_each_other(app_tables: Any) -> None:
    person = app_tables.people.Row(first_name="Draft")
    tag = app_tables.tags.Row(label="of a draft", owner=person)
    tag.save()
    assert app_tables.tags.get(label="of a draft")["owner"]["first_name"] == "Draft"


def test_list_columns_tells_names_and_types_in_their_order(app_tables: Any) -> None:
    columns = app_tables.tags.list_columns()
    assert [(column["name"], column["type"]) for column in columns] == [
        ("label", "string"),
        ("owner", "link_single"),
    ]


def test_delete_all_rows_empties_a_table(app_tables: Any) -> None:
    app_tables.counters.add_rows([{"value": n} for n in range(5)])
    app_tables.counters.search(value=2).delete_all_rows()
    assert len(app_tables.counters.search()) == 4
    app_tables.counters.delete_all_rows()
    assert len(app_tables.counters.search()) == 0


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "first_name": st.none()
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        "Age in years": st.none()
        | st.integers(-(10**60), 10**60)
        | st.floats(allow_nan=False, allow_infinity=False),
        "is_member": st.none() | st.booleans(),
        "born_on": st.none() | st.dates(),
        "seen_at": st.none()
        | st.datetimes(
            dt.datetime(2, 1, 1),
            dt.datetime(9998, 1, 1),
            # Half hours only: the library itself writes -0:15 as -0:45.
            timezones=st.integers(-14 * 2, 14 * 2).map(
                lambda halves: dt.timezone(dt.timedelta(minutes=30 * halves))
            ),
        ),
    },
)


def test_every_value_comes_back_as_it_was_stored(app_tables: Any) -> None:
    @settings(max_examples=60, deadline=None)
    @given(VALUES, VALUES)
    def check(first: dict[str, Any], second: dict[str, Any]) -> None:
        row = app_tables.people.add_row(**first)
        if second:
            row.update(**second)
        found = dict(app_tables.people.get_by_id(row.get_id()))
        expected = {**first, **second}
        assert {name: found[name] for name in expected} == expected
        for name, value in expected.items():
            assert type(found[name]) is type(value)

    check()


def test_the_usual_calls_take_one_statement_each(
    app_tables: Any, q: Any, statements: list[str]
) -> None:
    """No BEGIN, COMMIT or savepoint, which would each be a round trip more."""
    from anvil.tables import order_by

    calls: list[Any] = [
        lambda: app_tables.counters.add_row(name="a", value=1),
        lambda: app_tables.counters.add_rows([{"value": n} for n in range(20)]),
        lambda: app_tables.counters.get(name="a").update(value=2, name="b"),
        lambda: list(app_tables.counters.search(order_by("value"), value=q.less_than(50))),
        lambda: app_tables.counters.get(name="b"),
        lambda: app_tables.people.add_row(first_name="Olga"),
        lambda: app_tables.people.search()[0]["tags"],
        lambda: app_tables.counters.get(name="b").delete(),
        lambda: app_tables.counters.delete_all_rows(),
    ]
    extra = (2, 7)  # these read a row first
    for number, call in enumerate(calls):
        del statements[:]
        call()
        assert len(statements) == (2 if number in extra else 1), statements
