"""Who may do what: levels of tables, views, hidden columns, forged and foreign capabilities."""

from __future__ import annotations

from typing import Any

import pytest

from app_server.request import Origin

from .library import Caller, Library


@pytest.fixture
def server(library: Library) -> Caller:
    return Caller(library.session)


@pytest.fixture
def browser(library: Library) -> Caller:
    return Caller(library.instance.sessions.create(), Origin.CLIENT)


def denied(message: str) -> Any:
    from anvil.server import PermissionDenied

    return pytest.raises(PermissionDenied, match=message)


def test_a_browser_reads_nothing_of_a_closed_table(
    app_tables: Any, library: Library, browser: Caller
) -> None:
    app_tables.people.add_row(first_name="Olga")
    with library.acting(browser):
        people = app_tables.people
        assert people._cap is None
        for act in (
            people.search,
            people.get,
            people.add_row,
            people.list_columns,
            people.to_csv,
            people.delete_all_rows,
            people.client_readable,
        ):
            with denied("Cannot access this table from client code."):
                act()
        with denied("Cannot access"):
            people.get_by_id("1")


def test_a_search_table_is_read_only_in_a_browser(
    app_tables: Any, library: Library, browser: Caller
) -> None:
    app_tables.tags.add_row(label="a")
    with library.acting(browser):
        [tag] = app_tables.tags.search()
        assert tag["label"] == "a"
        with denied("Cannot write to table 'Tags' from client code."):
            app_tables.tags.add_row(label="b")
        with denied("Cannot write to row from table 'Tags' from client code."):
            tag["label"] = "c"
        with denied("Cannot write to row from table 'Tags'"):
            tag.delete()
        with denied("Cannot write to table"):
            app_tables.tags.search().delete_all_rows()


def test_a_full_table_is_writable_in_a_browser(
    app_tables: Any, library: Library, browser: Caller
) -> None:
    with library.acting(browser):
        row = app_tables.counters.add_row(name="n", value=1)
        row["value"] = 2
        assert app_tables.counters.get(name="n")["value"] == 2
        row.delete()


def test_a_row_given_to_a_browser_can_be_read_but_not_written(
    app_tables: Any, library: Library, server: Caller, browser: Caller
) -> None:
    friend = app_tables.people.add_row(first_name="Anna")
    row = app_tables.people.get_by_id(
        app_tables.people.add_row(first_name="Olga", secret="s", friend=friend).get_id()
    )
    there = library.send(row, server, browser)
    with library.acting(browser):
        assert there["first_name"] == "Olga"
        assert there["friend"]["first_name"] == "Anna"
        assert "secret" not in dict(there)
        there.refresh()
        assert "secret" not in dict(there)
        with denied("Cannot write to row from table 'People' from client code."):
            there["first_name"] = "X"


def test_hidden_columns_cannot_be_searched_sorted_or_fetched_by_a_browser(
    app_tables: Any, library: Library, server: Caller, browser: Caller, q: Any
) -> None:
    from anvil.tables import NoSuchColumnError, TableError, order_by

    app_tables.people.add_row(first_name="Olga", secret="s")
    view = library.send(app_tables.people.client_writable(), server, browser)
    with library.acting(browser):
        assert [c["name"] for c in view.list_columns()].count("secret") == 0
        with pytest.raises(NoSuchColumnError):
            view.search(secret="s")
        with pytest.raises(NoSuchColumnError):
            view.search(q.any_of(q.all_of(secret=q.like("s%"))))
        with pytest.raises(TableError, match="Cannot sort"):
            view.search(order_by("secret"))
        with pytest.raises(TableError, match="No such column 'secret'"):
            view.search(q.fetch_only("secret"))
        with pytest.raises(NoSuchColumnError):
            view.add_row(first_name="x", secret="t")
        [row] = view.search()
        with pytest.raises(NoSuchColumnError):
            row._do_update({"secret": "t"}, False)
    assert app_tables.people.get()["secret"] == "s"


def test_a_readable_view_shows_its_rows_only(
    app_tables: Any, library: Library, server: Caller, browser: Caller, q: Any
) -> None:
    app_tables.people.add_rows(
        [{"first_name": n, "Age in years": a} for n, a in (("a", 10), ("b", 20), ("c", 30))]
    )
    view = library.send(
        app_tables.people.client_readable(**{"Age in years": q.greater_than(15)}), server, browser
    )
    with library.acting(browser):
        assert [row["first_name"] for row in view.search()] == ["b", "c"]
        assert len(view.search(first_name="a")) == 0
        assert len(view.search(q.any_of(q.none_of(first_name="a"), first_name="a"))) == 2
        assert view.get_by_id(1) is None
        assert view.get(first_name="a") is None
        with denied("Cannot write to table 'People' from client code."):
            view.add_row(first_name="d")


def test_a_view_of_a_view_is_never_wider(
    app_tables: Any, library: Library, server: Caller, browser: Caller, q: Any
) -> None:
    from anvil.tables import TableError

    app_tables.people.add_rows([{"first_name": n, "is_member": n != "b"} for n in "abc"])
    view = library.send(app_tables.people.client_readable(is_member=True), server, browser)
    with library.acting(browser):
        narrower = view.client_readable(first_name=q.any_of("a", "b"))
        assert [row["first_name"] for row in narrower.search()] == ["a"]
        assert "is_member" not in dict(narrower.get())
        for wider in (view.client_writable, view.client_writable_cascade):
            with pytest.raises(TableError, match="You do not have permission to create"):
                wider()
        with pytest.raises(Exception, match="No such column 'is_member'"):
            view.client_readable(is_member=False)


def test_only_cols_leaves_the_others_out(
    app_tables: Any, library: Library, server: Caller, browser: Caller, q: Any
) -> None:
    from anvil.tables import NoSuchColumnError, TableError

    app_tables.people.add_row(first_name="Olga", is_member=True)
    view = library.send(
        app_tables.people.client_writable(q.only_cols("first_name")), server, browser
    )
    with library.acting(browser):
        [row] = view.search()
        assert dict(row) == {"first_name": "Olga"}
        with pytest.raises(NoSuchColumnError):
            view.search(is_member=True)
        with pytest.raises(NoSuchColumnError, match="in this view"):
            row["is_member"] = False
        with pytest.raises(TableError, match="You cannot add rows to this view"):
            view.add_row(first_name="x")
        with pytest.raises(TableError, match="Cannot call delete_all_rows"):
            view.delete_all_rows()
        row["first_name"] = "Mia"
    assert app_tables.people.get()["first_name"] == "Mia"
    with pytest.raises(TableError, match="Column shoe does not exist in this table"):
        app_tables.people.client_readable(q.only_cols("shoe"))


def test_a_writable_view_keeps_its_condition(
    app_tables: Any, library: Library, server: Caller, browser: Caller, q: Any
) -> None:
    from anvil.tables import TableError

    view = library.send(
        app_tables.counters.client_writable(name=q.any_of("mine", "ours")), server, browser
    )
    with library.acting(browser):
        row = view.add_row(name="mine", value=1)
        with pytest.raises(TableError, match="Data does not match view constraints"):
            view.add_row(name="yours", value=1)
        with pytest.raises(TableError, match="Data does not match view constraints"):
            view.add_row(value=1)
        with pytest.raises(TableError, match="Data does not match view constraints"):
            row["name"] = "yours"
        row["name"] = "ours"
    assert [(r["name"], r["value"]) for r in app_tables.counters.search()] == [("ours", 1)]


def test_a_view_fills_in_what_it_fixes(
    app_tables: Any, library: Library, server: Caller, browser: Caller
) -> None:
    view = library.send(app_tables.counters.client_writable(name="mine"), server, browser)
    with library.acting(browser):
        row = view.add_row(value=3)
        assert dict(row) == {"value": 3}
    assert dict(app_tables.counters.get()) == {"name": "mine", "value": 3}


def test_rows_outside_a_view_cannot_be_changed_through_it(
    app_tables: Any, library: Library, server: Caller, browser: Caller, q: Any
) -> None:
    from anvil.tables import RowDeleted, TableError

    inside = app_tables.counters.add_row(name="mine", value=1)
    view = library.send(app_tables.counters.client_writable(value=q.less_than(10)), server, browser)
    with library.acting(browser):
        [row] = view.search()
    inside["value"] = 50
    with library.acting(browser):
        with pytest.raises(RowDeleted):
            row["value"] = 2
        with pytest.raises(TableError, match="not in this view"):
            row.delete()
    assert app_tables.counters.get()["value"] == 50


def test_a_cascading_view_reaches_linked_rows(
    app_tables: Any, library: Library, server: Caller, browser: Caller
) -> None:
    friend = app_tables.people.add_row(first_name="Anna")
    app_tables.people.add_row(first_name="Olga", friend=friend)
    plain = library.send(app_tables.people.client_writable(), server, browser)
    cascading = library.send(app_tables.people.client_writable_cascade(), server, browser)
    with library.acting(browser):
        with denied("Cannot write to row"):
            plain.get(first_name="Olga")["friend"]["first_name"] = "x"
        cascading.get(first_name="Olga")["friend"]["first_name"] = "Berta"
    assert friend == app_tables.people.get(first_name="Berta")


def test_capabilities_of_one_browser_are_worth_nothing_in_another(
    app_tables: Any, library: Library, server: Caller, browser: Caller
) -> None:
    row = library.send(app_tables.people.add_row(first_name="Olga"), server, browser)
    other = Caller(library.instance.sessions.create(), Origin.CLIENT)
    with library.acting(other), pytest.raises(Exception, match="not valid in this session"):
        row.refresh()


@pytest.mark.parametrize(
    "narrow",
    [
        [{"r": 1}],
        [{"search": None, "fetch": None, "order": None, "chunk": None}],
        [{"r": 1}, 0],
        ["x"],
    ],
)
def test_a_forged_scope_is_refused(
    app_tables: Any, library: Library, server: Caller, browser: Caller, narrow: list[Any]
) -> None:
    import anvil.server

    row = library.send(app_tables.people.add_row(first_name="Olga"), server, browser)
    with library.acting(browser):
        cap = row._anvil.cap
        for function in (
            "row.fetch",
            "row.update",
            "search.next_page",
            "table.search",
            "row.delete",
        ):
            forged = anvil.server.Capability(cap._scope[:2] + [{"id": 1}] + narrow, "0" * 64)
            with pytest.raises(Exception, match="not valid in this session"):
                library.do_call([forged, {}, {}], {}, "anvil.private.tables.v2." + function)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_table_that_reached_a_browser_does_not_open_its_rows(
    app_tables: Any, library: Library, server: Caller, browser: Caller, trusted: bool
) -> None:
    app_tables.people.add_row(first_name="Olga")
    table = library.send(app_tables.people, server, server if trusted else browser)
    with library.acting(server if trusted else browser):
        narrowed = table._cap.narrow([{"r": 1}])
        with pytest.raises(Exception, match="not valid in this session"):
            library.do_call([narrowed], {}, "anvil.private.tables.v2.row.fetch")


@pytest.mark.parametrize("cap", [None, "text", 5, [], {}])
@pytest.mark.parametrize(
    "function", ["row.fetch", "search.next_page", "search.get_length", "table.to_csv"]
)
def test_what_is_no_capability_is_refused(
    app_tables: Any, library: Library, browser: Caller, cap: Any, function: str
) -> None:
    with library.acting(browser), denied("Invalid capability|Cannot access this table"):
        library.do_call([cap], {}, "anvil.private.tables.v2." + function)


def test_an_iterator_given_to_a_browser_goes_on_there(
    app_tables: Any, library: Library, server: Caller, browser: Caller, q: Any
) -> None:
    app_tables.people.add_rows(
        [{"first_name": str(n), "secret": "s" if n % 2 else None} for n in range(30)]
    )
    there = library.send(app_tables.people.search(q.page_size(4), secret="s"), server, browser)
    with library.acting(browser):
        rows = [row for row in there]
        assert [row["first_name"] for row in rows] == [str(n) for n in range(1, 30, 2)]
        assert all("secret" not in dict(row) for row in rows)
        assert len(there) == 15


def test_an_order_by_a_hidden_column_goes_on_in_a_browser_without_telling_it(
    app_tables: Any, library: Library, server: Caller, browser: Caller, q: Any
) -> None:
    from anvil.tables import order_by

    names = [{"first_name": str(n), "secret": f"hush{9 - n}"} for n in range(10)]
    app_tables.people.add_rows(names)
    search = app_tables.people.search(
        order_by("secret"), q.fetch_only("first_name"), q.page_size(3)
    )
    there = library.send(search, server, browser)
    assert "hush" not in str(there._cap_next.scope)
    with library.acting(browser):
        assert [row["first_name"] for row in there] == [str(9 - n) for n in range(10)]


def test_a_browser_opens_no_transaction(app_tables: Any, library: Library, browser: Caller) -> None:
    import anvil.tables

    with (
        library.acting(browser),
        pytest.raises(
            anvil.tables.TableError, match="only perform table transactions from server modules"
        ),
        anvil.tables.Transaction(),
    ):
        pass


def test_server_code_that_acts_for_a_browser_obeys_the_client_level(
    app_tables: Any, library: Library, server: Caller, browser: Caller
) -> None:
    row = app_tables.tags.add_row(label="a")
    with denied("Cannot write to row from table 'Tags' from client code."):
        row._do_update({"label": "b"}, True)
    with denied("Cannot write to row"):
        row._do_delete(True)
    with denied("Cannot write to table 'Tags' from client code."):
        app_tables.tags.Row._do_create({"label": "c"}, True)
