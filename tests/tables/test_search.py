"""Searching: order, pages, slices, linked rows in the same round trip, and how many statements."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from .library import Library


def values(search: Any) -> list[Any]:
    return [row["value"] for row in search]


def test_finds_in_the_order_of_insertion(app_tables: Any) -> None:
    rows = app_tables.counters.add_rows([{"value": n} for n in (3, 1, 2)])
    rows[0]["value"] = 30  # a changed row moves in the table's file, but not in the result
    assert values(app_tables.counters.search()) == [30, 1, 2]


def test_orders_by_several_columns_with_none_first(app_tables: Any) -> None:
    from anvil.tables import order_by

    pairs = [("b", 1), ("a", 2), (None, 3), ("a", None), ("b", None)]
    app_tables.counters.add_rows([{"name": n, "value": v} for n, v in pairs])

    def found(*orders: Any) -> list[Any]:
        return [(r["name"], r["value"]) for r in app_tables.counters.search(*orders)]

    up = [(None, 3), ("a", None), ("a", 2), ("b", None), ("b", 1)]
    assert found(order_by("name"), order_by("value")) == up
    down = [("b", 1), ("b", None), ("a", 2), ("a", None), (None, 3)]
    assert found(order_by("name", ascending=False), order_by("value", ascending=False)) == down
    mixed = [("b", None), ("b", 1), ("a", None), ("a", 2), (None, 3)]
    assert found(order_by("name", ascending=False), order_by("value")) == mixed


def test_refuses_to_order_by_too_many_columns(app_tables: Any) -> None:
    from anvil.tables import TableError, order_by

    app_tables.counters.add_rows([{"value": n} for n in (2, 1)])
    assert values(app_tables.counters.search(*[order_by("value")] * 20)) == [1, 2]
    with pytest.raises(TableError, match="more than 20 columns"):
        list(app_tables.counters.search(*[order_by("value")] * 21))


def test_refuses_to_order_by_an_unknown_column(app_tables: Any) -> None:
    from anvil.tables import TableError, order_by

    with pytest.raises(TableError, match='Cannot sort by nonexistent column "height"'):
        app_tables.counters.search(order_by("height"))


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("column", ["name", "value", None])
def test_pages_give_every_row_once(
    app_tables: Any, q: Any, column: str | None, ascending: bool
) -> None:
    from anvil.tables import order_by

    rows = [
        {"name": [None, "a", "b"][n % 3], "value": [None, 1, 2.5, -4][n % 4]} for n in range(60)
    ]
    app_tables.counters.add_rows(rows)
    order = [order_by(column, ascending=ascending)] if column else []
    whole = [row.get_id() for row in app_tables.counters.search(*order, q.page_size(1000))]
    paged = [row.get_id() for row in app_tables.counters.search(*order, q.page_size(7))]
    assert len(whole) == 60
    assert paged == whole


@pytest.mark.parametrize(
    ("column", "items"),
    [
        ("is_member", [True, False, None]),
        ("born_on", [dt.date(2000, 1, n) for n in (1, 2)]),
        ("seen_at", [dt.datetime(2000, 1, 1, 0, 0, 0, n, dt.UTC) for n in (1, 2)]),
        ("details", [{"a": 1}, [2], "x", None]),
    ],
)
def test_pages_by_every_type_of_column(
    app_tables: Any, q: Any, column: str, items: list[Any]
) -> None:
    from anvil.tables import order_by

    app_tables.people.add_rows([{column: items[n % len(items)]} for n in range(23)])
    for ascending in (True, False):
        search = app_tables.people.search(order_by(column, ascending=ascending), q.page_size(4))
        assert len({row.get_id() for row in search}) == 23
        assert sum(1 for _ in search) == 23


def test_a_row_changed_between_pages_is_neither_lost_nor_doubled(app_tables: Any, q: Any) -> None:
    rows = app_tables.counters.add_rows([{"value": n} for n in range(30)])
    seen = []
    for row in app_tables.counters.search(q.page_size(10)):
        seen.append(row["value"])
        if len(seen) == 10:
            rows[4]["name"] = "changed behind"
            rows[15]["name"] = "changed ahead"
            rows[2].delete()
            app_tables.counters.add_row(value=30)
    assert seen == list(range(31))


@pytest.mark.parametrize("ascending", [True, False])
def test_a_row_that_moves_in_the_order_is_neither_lost_nor_doubled(
    app_tables: Any, q: Any, ascending: bool
) -> None:
    from anvil.tables import order_by

    rows = app_tables.counters.add_rows([{"name": str(n), "value": n} for n in range(30)])
    seen = []
    for row in app_tables.counters.search(order_by("value", ascending=ascending), q.page_size(5)):
        seen.append(row["name"])
        if len(seen) == 5:
            rows[int(seen[1])]["value"] = 1000 if ascending else -1000  # given: moves ahead
            rows[15]["value"] = -1000 if ascending else 1000  # not given yet: moves behind
            app_tables.counters.add_row(name="new behind", value=-2000 if ascending else 2000)
            app_tables.counters.add_row(name="new ahead", value=2000 if ascending else -2000)
    assert sorted(seen) == sorted([*(str(n) for n in range(30)), "new ahead"])


def test_touching_every_row_of_an_order_ends(app_tables: Any, q: Any) -> None:
    from anvil.tables import order_by

    app_tables.counters.add_rows([{"value": n} for n in range(20)])
    touched = 0
    for row in app_tables.counters.search(order_by("value"), q.page_size(4)):
        row["value"] += 100
        touched += 1
    assert touched == 20
    assert values(app_tables.counters.search()) == list(range(100, 120))


def test_an_order_goes_on_when_its_pages_are_forgotten(
    app_tables: Any, q: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anvil.tables import order_by

    from app_server.tables import pages

    monkeypatch.setattr(pages, "MAX_IDS", 8)
    app_tables.counters.add_rows([{"value": n % 7} for n in range(40)])
    found = values(app_tables.counters.search(order_by("value"), q.page_size(5))[:])
    assert found == sorted(n % 7 for n in range(40))


def test_an_order_goes_on_beyond_what_is_read_at_once(
    app_tables: Any, q: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anvil.tables import order_by

    from app_server.tables import search

    monkeypatch.setattr(search, "BATCH", 12)
    app_tables.counters.add_rows([{"value": n % 9} for n in range(70)])
    found = values(app_tables.counters.search(order_by("value", ascending=False), q.page_size(5)))
    assert found == sorted((n % 9 for n in range(70)), reverse=True)
    touched = 0
    for row in app_tables.counters.search(order_by("value"), q.page_size(5)):
        row["value"] += 1000
        touched += 1
    assert touched == 70


def test_a_page_costs_the_same_however_many_came_before(
    app_tables: Any, q: Any, parameters: list[Any]
) -> None:
    """What is sent to the database for a page does not grow with the pages before it."""
    from anvil.tables import order_by

    app_tables.counters.add_rows([{"value": n % 11} for n in range(3000)])
    del parameters[:]
    assert sum(1 for _ in app_tables.counters.search(order_by("value"), q.page_size(10))) == 3000
    sizes = [len(str(each)) for each in parameters]
    assert len(sizes) == 301  # a page each, and once the ids of all that follow
    assert max(sizes) < 200


@pytest.mark.parametrize("ordered", [True, False])
def test_a_page_of_large_rows_has_fewer_of_them(
    app_tables: Any, q: Any, monkeypatch: pytest.MonkeyPatch, ordered: bool
) -> None:
    """As many rows as were asked for would be more than a message can carry."""
    from anvil.tables import order_by

    from app_server.tables import search

    monkeypatch.setattr(search, "MAX_PAGE_CHARS", 20_000)
    rows = [{"name": "x" * size, "value": n} for n, size in enumerate([3000, 50_000, 10] * 12)]
    app_tables.counters.add_rows(rows)
    order = [order_by("value", ascending=False)] if ordered else []
    expected = [row["value"] for row in rows]
    found = app_tables.counters.search(*order, q.page_size(30))
    assert [row["value"] for row in found] == (expected[::-1] if ordered else expected)


def test_knows_without_asking_that_the_last_page_is_the_last(
    app_tables: Any, q: Any, statements: list[str]
) -> None:
    app_tables.counters.add_rows([{"value": n} for n in range(20)])
    del statements[:]
    assert sum(1 for _ in app_tables.counters.search(q.page_size(10))) == 20
    assert len(statements) == 2


def test_length_and_slices(app_tables: Any, q: Any) -> None:
    app_tables.counters.add_rows([{"value": n} for n in range(12)])
    search = app_tables.counters.search(q.page_size(5))
    assert len(search) == 12
    assert search[7]["value"] == 7
    assert values(search[3:9]) == [3, 4, 5, 6, 7, 8]
    assert values(search[8:]) == [8, 9, 10, 11]
    with pytest.raises(IndexError):
        search[12]


def test_get_wants_one_row(app_tables: Any) -> None:
    from anvil.tables import TableError, order_by

    app_tables.counters.add_rows([{"name": "a"}, {"name": "a"}])
    assert app_tables.counters.get(name="b") is None
    with pytest.raises(TableError, match="More than one row matched this query"):
        app_tables.counters.get(name="a")
    with pytest.raises(TableError, match="Cannot specify ordering or pagination"):
        app_tables.counters.get(order_by("name"), name="a")


def test_has_row(app_tables: Any) -> None:
    row = app_tables.counters.add_row(value=1)
    other = app_tables.tags.add_row()
    assert row in app_tables.counters
    assert other not in app_tables.counters
    assert row not in app_tables.counters.client_readable(value=2)


def family(app_tables: Any) -> tuple[Any, ...]:
    anna = app_tables.people.add_row(first_name="Anna")
    bert = app_tables.people.add_row(first_name="Bert", friend=anna)
    tags = [app_tables.tags.add_row(label=f"t{n}", owner=bert) for n in range(3)]
    cora = app_tables.people.add_row(first_name="Cora", friend=bert, tags=[tags[2], tags[0]])
    return anna, bert, cora, tags


def test_linked_rows_come_in_one_statement_in_their_order(
    app_tables: Any, library: Library, statements: list[str]
) -> None:
    family(app_tables)
    app_tables.people.add_rows([{"first_name": f"p{n}"} for n in range(50)])
    del statements[:]
    rows = list(app_tables.people.search())
    assert len(statements) == 1
    cora = rows[2]
    assert cora["friend"]["friend"]["first_name"] == "Anna"
    assert [tag["label"] for tag in cora["tags"]] == ["t2", "t0"]
    assert cora["tags"][0]["owner"]["first_name"] == "Bert"
    assert len(statements) == 1


def test_links_beyond_two_steps_are_read_when_needed(
    app_tables: Any, statements: list[str]
) -> None:
    row = app_tables.people.add_row(first_name="0")
    for n in range(1, 5):
        row = app_tables.people.add_row(first_name=str(n), friend=row)
    del statements[:]
    found = app_tables.people.get(first_name="4")
    assert found["friend"]["friend"]["friend"]["friend"]["first_name"] == "0"
    assert len(statements) == 2


def test_fetch_only_reads_what_was_asked(app_tables: Any, q: Any, statements: list[str]) -> None:
    family(app_tables)
    del statements[:]
    only = q.fetch_only("first_name", friend=q.fetch_only("first_name"))
    [row] = app_tables.people.search(only, first_name="Cora")
    assert (row["first_name"], row["friend"]["first_name"]) == ("Cora", "Bert")
    assert len(statements) == 1
    assert row["Age in years"] is None  # read now
    assert len(statements) == 2
    with pytest.raises(Exception, match="No such column 'shoe' exists in table 'People'"):
        app_tables.people.search(q.fetch_only("shoe"))


def test_fetch_only_may_ask_less_of_the_same_table_deeper(app_tables: Any, q: Any) -> None:
    family(app_tables)
    only = q.fetch_only(
        "first_name", "is_member", friend=q.fetch_only("first_name", friend=q.fetch_only("secret"))
    )
    found = {row["first_name"]: row for row in app_tables.people.search(only)}
    assert found["Cora"]["friend"]["first_name"] == "Bert"
    assert found["Cora"]["friend"]["friend"]["secret"] is None
    assert found["Cora"]["friend"]["friend"]["first_name"] == "Anna"


def test_rows_that_link_in_a_circle(app_tables: Any) -> None:
    a = app_tables.people.add_row(first_name="a")
    b = app_tables.people.add_row(first_name="b", friend=a)
    a["friend"] = b
    found = app_tables.people.get(first_name="a")
    assert found["friend"]["friend"] == found


def test_deleting_a_row_clears_links_to_it(app_tables: Any) -> None:
    anna, _bert, _cora, tags = family(app_tables)
    anna.delete()
    tags[2].delete()
    bert, cora = app_tables.people.search()
    assert bert["friend"] is None
    assert [tag["label"] for tag in cora["tags"]] == ["t0"]


def test_linking_to_a_deleted_row_is_refused(app_tables: Any) -> None:
    from anvil.tables import RowDeleted

    anna = app_tables.people.add_row()
    app_tables.people.get_by_id(anna.get_id()).delete()
    with pytest.raises(RowDeleted):
        app_tables.people.add_row(friend=anna)


def test_a_table_of_many_columns(library: Library, database_url: str) -> None:
    columns = [{"name": f"c{n}", "type": "number"} for n in range(230)]
    studio = library.instance.tables
    store = library.open(database_url, {"wide": {"server": "full", "columns": columns}})
    try:
        from anvil.tables import app_tables

        app_tables.wide.add_row(**{f"c{n}": n for n in range(230)})
        assert dict(app_tables.wide.get()) == {f"c{n}": n for n in range(230)}
    finally:
        library.run(store.close())
        library.instance.tables = studio
