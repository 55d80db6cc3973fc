"""Every query operator against a model in Python, and its errors in the words of Anvil."""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Truth = bool | None
"""As in SQL: None is neither."""

TEXTS = st.sampled_from(["", "a", "A", "ab", "B%", "b_a", "Ä", "back\\slash", "a b"]) | st.none()
NUMBERS = st.sampled_from([-1, 0, 0.5, 1, 1.0, 2, 10**20]) | st.none()
DATES = st.sampled_from([dt.date(2024, 1, n) for n in (1, 2, 3)]) | st.none()
TIMES = (
    st.sampled_from(
        [dt.datetime(2024, 1, n, hour, tzinfo=dt.UTC) for n in (1, 2) for hour in (0, 12)]
        + [dt.datetime(2024, 1, 2, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))]
    )
    | st.none()
)
OBJECTS = st.sampled_from([{"a": 1}, {"a": 1, "b": [1, 2]}, [1, 2], [], "x", 3]) | st.none()
ROWS = st.fixed_dictionaries(
    {
        "first_name": TEXTS,
        "Age in years": NUMBERS,
        "is_member": st.booleans() | st.none(),
        "born_on": DATES,
        "seen_at": TIMES,
        "details": OBJECTS,
    }
)
COLUMNS = {
    "first_name": TEXTS,
    "Age in years": NUMBERS,
    "is_member": st.booleans() | st.none(),
    "born_on": DATES,
    "seen_at": TIMES,
    "details": OBJECTS,
}
ORDERED = ("Age in years", "born_on", "seen_at")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "greater_than": lambda a, b: a > b,
    "greater_than_or_equal_to": lambda a, b: a >= b,
    "less_than": lambda a, b: a < b,
    "less_than_or_equal_to": lambda a, b: a <= b,
}


def negate(value: Truth) -> Truth:
    return None if value is None else not value


def conjoin(values: list[Truth]) -> Truth:
    return False if False in values else None if None in values else True


def disjoin(values: list[Truth]) -> Truth:
    return negate(conjoin([negate(value) for value in values]))


def contains(outer: Any, inner: Any) -> bool:
    """Containment of JSON as Postgres' ``@>`` has it."""
    if isinstance(outer, dict) and isinstance(inner, dict):
        return all(k in outer and contains(outer[k], v) for k, v in inner.items())
    if isinstance(outer, list) and isinstance(inner, list):
        return all(any(contains(o, i) for o in outer) for i in inner)
    if isinstance(outer, list) and not isinstance(inner, dict):
        return inner in outer
    return type(outer) is type(inner) and outer == inner


def equals(column: str, value: Any, wanted: Any) -> Truth:
    if wanted is None or value is None:
        return value is wanted
    return contains(value, wanted) if column == "details" else value == wanted


def like(pattern: str, *, ignore_case: bool) -> Callable[[str], bool]:
    parts, escaped = [], False
    for char in pattern:
        if not escaped and char == "\\":
            escaped = True
            continue
        wild = {"%": ".*", "_": "."}.get(char) if not escaped else None
        parts.append(wild or re.escape(char))
        escaped = False
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return lambda text: re.fullmatch("".join(parts), text, flags) is not None


@st.composite
def column_query(draw: st.DrawFn, column: str, depth: int = 2) -> tuple[Any, Any]:
    """(a function that makes the query, a function that judges a value)."""
    kinds = ["value"]
    if column == "first_name":
        kinds += ["like", "ilike"]
    if column in ORDERED:
        kinds += ["compare", "between"]
    if depth:
        kinds += ["all_of", "any_of", "none_of"]
    kind = draw(st.sampled_from(kinds))
    if kind == "value":
        wanted = draw(COLUMNS[column])
        return lambda _q: wanted, lambda value: equals(column, value, wanted)
    if kind in ("like", "ilike"):
        pattern = draw(st.sampled_from(["a%", "%A%", "_", "", "b\\_a", "%\\%", "%\\\\%", "ä"]))
        judge = like(pattern, ignore_case=kind == "ilike")
        return lambda q: getattr(q, kind)(pattern), lambda v: None if v is None else judge(v)
    present = COLUMNS[column].filter(lambda value: value is not None)
    if kind == "compare":
        name, bound = draw(st.sampled_from(sorted(COMPARE))), draw(present)
        return lambda q: getattr(q, name)(
            bound
        ), lambda v: None if v is None else COMPARE[name](v, bound)
    if kind == "between":
        low, high = draw(present), draw(present)
        a, b = draw(st.booleans()), draw(st.booleans())

        def within(value: Any) -> Truth:
            if value is None:
                return None
            return (low <= value if a else low < value) and (value <= high if b else value < high)

        return lambda q: q.between(low, high, min_inclusive=a, max_inclusive=b), within
    parts = draw(st.lists(column_query(column, depth - 1), max_size=3))
    judges = [judge for _, judge in parts]
    combine = {"all_of": conjoin, "any_of": disjoin, "none_of": lambda v: negate(disjoin(v))}[kind]
    return (
        lambda q: getattr(q, kind)(*(make(q) for make, _ in parts)),
        lambda value: combine([judge(value) for judge in judges]),
    )


@st.composite
def row_query(draw: st.DrawFn, depth: int = 2) -> tuple[Any, Any]:
    """(a function that makes ``(args, kwargs)``, a function that judges a row)."""
    names = draw(st.lists(st.sampled_from(sorted(COLUMNS)), unique=True, max_size=2))
    columns = {name: draw(column_query(name)) for name in names}
    nested = []
    if depth:
        for _ in range(draw(st.integers(0, 2))):
            nested.append(
                (draw(st.sampled_from(["all_of", "any_of", "none_of"])), draw(row_query(depth - 1)))
            )

    def make(q: Any) -> tuple[list[Any], dict[str, Any]]:
        args = []
        for kind, (inner, _) in nested:
            inner_args, inner_kwargs = inner(q)
            args.append(getattr(q, kind)(*inner_args, **inner_kwargs))
        return args, {name: column(q) for name, (column, _) in columns.items()}

    def judges(row: dict[str, Any]) -> list[Truth]:
        found = []
        for kind, (_, inner) in nested:
            values = inner(row)
            if kind == "all_of":
                found.append(conjoin(values))
            elif kind == "any_of":
                found.append(disjoin(values))
            else:
                found.append(negate(disjoin(values)) if values else True)
        return found + [judge(row[name]) for name, (_, judge) in columns.items()]

    return make, judges


def test_any_query_finds_what_the_model_finds(app_tables: Any, q: Any) -> None:
    @settings(max_examples=150, deadline=None)
    @given(st.lists(ROWS, min_size=1, max_size=8), row_query())
    def check(rows: list[dict[str, Any]], query: tuple[Any, Any]) -> None:
        app_tables.people.delete_all_rows()
        added = app_tables.people.add_rows(rows)
        make, judges = query
        args, kwargs = make(q)
        found = [row.get_id() for row in app_tables.people.search(*args, **kwargs)]
        expected = [
            row.get_id()
            for row, values in zip(added, rows, strict=True)
            if conjoin(judges(values)) is True
        ]
        assert found == expected
        assert len(app_tables.people.search(*args, **kwargs)) == len(expected)

    check()


def test_compares_dates_with_datetimes(app_tables: Any, q: Any) -> None:
    noon = dt.datetime(2024, 1, 2, 12, tzinfo=dt.UTC)
    app_tables.people.add_row(born_on=dt.date(2024, 1, 2), seen_at=noon)
    people = app_tables.people
    assert len(people.search(seen_at=q.greater_than(dt.date(2024, 1, 2)))) == 1
    assert len(people.search(seen_at=q.less_than(dt.date(2024, 1, 2)))) == 0
    assert len(people.search(born_on=q.less_than(noon))) == 1
    assert len(people.search(born_on=q.greater_than_or_equal_to(noon))) == 0


def test_finds_by_linked_rows(app_tables: Any, q: Any) -> None:
    a, b = app_tables.people.add_rows([{"first_name": "a"}, {"first_name": "b"}])
    red, blue = app_tables.tags.add_rows([{"label": "red", "owner": a}, {"label": "blue"}])
    c = app_tables.people.add_row(friend=a, tags=[red, blue])
    d = app_tables.people.add_row(friend=b, tags=[red])
    e = app_tables.people.add_row(tags=[])
    people = app_tables.people
    assert list(people.search(friend=a)) == [c]
    assert list(people.search(friend=q.any_of(a, b))) == [c, d]
    assert list(people.search(friend=q.none_of(a, None))) == [d]
    assert list(people.search(tags=[red])) == [c, d]
    assert list(people.search(tags=[blue, red])) == [c]
    assert list(people.search(tags=[])) == [c, d, e]
    assert list(people.search(tags=None)) == [a, b]
    assert list(people.search(tags=q.not_([blue]), friend=q.not_(None))) == [d]


def test_full_text_match(app_tables: Any, q: Any) -> None:
    names = ["The yoga classes", "A class of yoga", "Pilates", None]
    app_tables.people.add_rows([{"first_name": name} for name in names])

    def found(query: Any) -> list[str]:
        return [row["first_name"] for row in app_tables.people.search(first_name=query)]

    assert found(q.full_text_match("class yoga")) == names[:2]
    assert found(q.full_text_match("pilates | class", raw=True)) == names[:3]
    assert found(q.not_(q.full_text_match("yoga"))) == ["Pilates"]
    with pytest.raises(Exception, match="not a valid raw query"):
        found(q.full_text_match("a b & |", raw=True))


def test_any_of_a_thousand_values_is_one_parameter(
    app_tables: Any, q: Any, statements: list[str]
) -> None:
    app_tables.counters.add_rows([{"name": f"n{n}"} for n in range(10)])
    del statements[:]
    found = app_tables.counters.search(name=q.any_of(*(f"n{n}" for n in range(5, 2000))))
    assert len(found) == 5
    assert statements[0].count("%s") == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda q: {"shoe": 1}, "No such column 'shoe'"),
        (
            lambda q: {"first_name": 1},
            "can only be searched with a string (not a number) in table 'People'",
        ),
        (lambda q: {"friend": "x"}, "searched with a Row from 'People' table (not a string)"),
        (
            lambda q: {"Age in years": q.like("1%")},
            "'like' operator on column 'Age in years', which is a number.",
        ),
        (
            lambda q: {"first_name": q.ilike(5)},
            "Argument to the 'ilike' operator must be a string.",
        ),
        (
            lambda q: {"first_name": q.greater_than(5)},
            "column 'first_name' with a value of type number",
        ),
        (
            lambda q: {"is_member": q.greater_than(True)},
            "Cannot use inequality operators to query column 'is_member'",
        ),
        (
            lambda q: {"first_name": q.any_of(first_name="x")},
            "when limiting column values with any_of(): 'first_name'",
        ),
        (lambda q: {"first_name": q.like("a\\")}, "must not end with a single backslash"),
        (
            lambda q: {"first_name": q.full_text_match("a", raw=1)},
            "the 'full_text_match' operator must be True or False",
        ),
        (
            lambda q: {"first_name": q.only_cols("a")},
            "Invalid query object: anvil.tables.query.only_cols",
        ),
    ],
)
def test_a_wrong_query_is_told_so(app_tables: Any, q: Any, make: Any, message: str) -> None:
    from anvil.tables import TableError

    app_tables.people.add_row(first_name="a")
    with pytest.raises(TableError, match=re.escape(message)):
        app_tables.people.search(**make(q))


def test_only_queries_stand_without_a_name(app_tables: Any, q: Any) -> None:
    from anvil.tables import TableError

    with pytest.raises(TableError, match="Invalid query operator"):
        app_tables.people.search("Olga")
    with pytest.raises(TableError, match="Page size must be a positive number"):
        app_tables.people.search(q.page_size(0))


def test_a_query_nested_without_end_is_refused(app_tables: Any, q: Any) -> None:
    from anvil.tables import TableError

    query = q.all_of(first_name="a")
    for _ in range(60):
        query = q.not_(query)
    with pytest.raises(TableError, match="nested more than 50 levels"):
        app_tables.people.search(query)


def test_the_model_of_like_is_right() -> None:
    assert like("%a_c%", ignore_case=False)("xabcx")
    assert not like("a\\%", ignore_case=False)("ab")
    assert fnmatch.fnmatchcase("ab", "a*") == like("a%", ignore_case=False)("ab")
