"""The list of 10,000 contacts: search, filters, order and pages, all in the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.product.studio import Caller, Refused, Studio

TOTAL = 10_000
PAGE = 200


@pytest.fixture(scope="module")
def crowd(empty_studio: Studio) -> Studio:
    """An instance with TOTAL contacts, many of whom share a name, a date and an amount."""
    with empty_studio.uplink() as script:
        for start in range(0, TOTAL, 1000):
            script.call(
                "import_contacts",
                [
                    {
                        "row": n,
                        "first_name": f"First{n % 7}",
                        "last_name": f"Last{n % 501:03}",
                        "email": f"p{n}@example.com",
                        "tags": ["odd"] if n % 2 else ["even", "all"],
                        "status": "customer" if n % 10 == 0 else "lead",
                        "company": "100% Pure_Water" if n == 4242 else "",
                        "phone": f"+27 82 5{n:06}",
                    }
                    for n in range(start, start + 1000)
                ],
            )
    empty_studio.query("UPDATE app.contacts SET total_spent_cents = (number::int % 13) * 100")
    empty_studio.query("ANALYZE app.contacts")
    return empty_studio


@pytest.fixture
def sam(crowd: Studio) -> Iterator[Caller]:
    with crowd.person("sam") as caller:
        yield caller


def walk(caller: Caller, query: dict[str, Any], step: str) -> list[str]:
    """The ids of every page from one end to the other, in the order of the list."""
    found: list[str] = []
    place: dict[str, Any] = {"last_page": True} if step == "previous" else {}
    while True:
        page = caller.call("list_contacts", {**query, "page_size": PAGE, **place})
        ids = [contact["contact_id"] for contact in page["contacts"]]
        assert page["total"] == len(ids) if len(found) + len(ids) == 0 else True
        if step == "next":
            assert page["offset"] == len(found)
            found += ids
        else:
            found = ids + found
            assert page["offset"] == page["total"] - len(found)
        cursor = page[step]
        if cursor is None:
            return found
        place = {"after" if step == "next" else "before": cursor}


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", "sort_name, number"),
        ("spent", "total_spent_cents DESC, number DESC"),
        ("newest", "date_added DESC, number DESC"),
        ("number", "number"),
    ],
)
def test_pages_show_everyone_once_in_order(
    crowd: Studio, sam: Caller, sort: str, order: str
) -> None:
    expected = [
        row[0] for row in crowd.query(f"SELECT contact_id FROM app.contacts ORDER BY {order}")
    ]
    assert len(expected) == TOTAL
    assert walk(sam, {"sort": sort}, "next") == expected


def test_pages_go_backwards_too(crowd: Studio, sam: Caller) -> None:
    forwards = walk(sam, {"tag": "odd", "status": "lead"}, "next")
    assert len(forwards) == TOTAL // 2
    assert walk(sam, {"tag": "odd", "status": "lead"}, "previous") == forwards


def test_the_reverse_order_is_the_same_list_backwards(sam: Caller) -> None:
    query = {"status": "customer", "sort": "spent"}
    assert walk(sam, {**query, "reverse": True}, "next") == walk(sam, query, "next")[::-1]


def test_a_page_far_in_costs_what_the_first_one_costs(sam: Caller) -> None:
    def seconds(query: dict[str, Any]) -> float:
        best = 9.0
        for _ in range(5):
            started = time.perf_counter()
            sam.call("list_contacts", query)
            best = min(best, time.perf_counter() - started)
        return best

    first = seconds({"sort": "name"})
    last = seconds({"sort": "name", "last_page": True})
    assert first < 0.5
    assert last < first * 4 + 0.1


@pytest.mark.parametrize(
    ("search", "total"),
    [
        ("last007 first0", None),
        ("FIRST0   last007", None),
        ("p4242@example.com", 1),
        ("100% pure", 1),
        ("pure_water", 1),
        ("pure%water", 0),
        ("_____________________", 0),
        ("C-77", None),
        ("082 5 001 234", 1),
        ("+27 (0)82", 0),
        ("+27 82 5001234", 1),
        ("nobody at all", 0),
    ],
)
def test_searches(crowd: Studio, sam: Caller, search: str, total: int | None) -> None:
    answer = sam.call("list_contacts", {"search": search})
    if total is None:
        words = search.lower().split()
        conditions = " AND ".join(["position(%s in search_text) > 0"] * len(words))
        total = crowd.query(f"SELECT count(*) FROM app.contacts WHERE {conditions}", *words)[0][0]
        assert total
    assert answer["total"] == total


def test_finds_accents_without_accents_and_the_other_way(studio: Studio) -> None:
    with studio.person("sam") as someone:
        for search, name in (
            ("elodie", "Élodie Moreau"),
            ("ÉLODIE", "Élodie Moreau"),
            ("sorensen", "Ingrid Sørensen"),
            ("wisniewska", "Małgorzata Wiśniewska"),
            ("grossmann", "Jürgen Großmann"),
            ("sohne gmbh", "Jürgen Großmann"),
            ("ni bhriain", "Aoife Ní Bhriain"),
            ("082 555 0103", "Siyabonga Khumalo"),
        ):
            found = someone.call("list_contacts", {"search": search})["contacts"]
            assert [contact["full_name"] for contact in found] == [name], search


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "[]",
        "{}",
        "[1,2,3]",
        '["x"]',
        '["x","y"]',
        "null",
        "[null,1]",
        '[{"a":1},1]',
        "][",
        "9" * 400,
    ],
)
@pytest.mark.parametrize("sort", ["name", "newest", "spent", "number"])
def test_a_damaged_cursor_is_refused_or_means_the_first_page(
    sam: Caller, sort: str, cursor: str
) -> None:
    try:
        answer = sam.call("list_contacts", {"sort": sort, "after": cursor})
    except Refused as refused:
        assert refused.code == "invalid"
    else:
        assert cursor == "" and answer["offset"] == 0


def test_refuses_what_is_no_query(sam: Caller) -> None:
    for query in (
        {"sort": "password"},
        {"page_size": 10_000},
        {"nothing": 1},
        {"status": ["lead"]},
    ):
        with pytest.raises(Refused, match="invalid"):
            sam.call("list_contacts", query)


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"tags_any": ["odd", "all"]}, "true"),
        ({"tags_all": ["even", "all"]}, "number::int % 2 = 1"),
        ({"tags_all": ["odd", "even"]}, "false"),
        ({"tags_none": ["odd"], "status": "customer"}, "tags ? 'even' AND status = 'customer'"),
        ({"tags_any": ["odd"], "tags_none": ["all"], "search": "last007"}, None),
        ({"spent_min_cents": 300, "spent_max_cents": 500}, "total_spent_cents BETWEEN 300 AND 500"),
        ({"opted_in": True}, "false"),
        ({"opted_in": False, "tag": "odd"}, "tags ? 'odd'"),
        ({"added_to": "2020-01-01"}, "false"),
        ({"added_from": "2020-01-01", "contacted_from": "2020-01-01"}, "true"),
    ],
    ids=str,
)
def test_filters_work_together(
    crowd: Studio, sam: Caller, filters: dict[str, Any], condition: str | None
) -> None:
    if condition is None:
        condition = "tags ? 'odd' AND search_text LIKE '%%last007%%'"
    ((expected,),) = crowd.query(f"SELECT count(*) FROM app.contacts WHERE {condition}")
    assert sam.call("list_contacts", filters)["total"] == expected


def test_days_are_days_of_the_business(crowd: Studio, sam: Caller) -> None:
    moved = "UPDATE app.contacts SET date_added = %s WHERE number = 1"
    for moment, day in (
        ("2019-05-31 21:59:59+00", "2019-05-31"),
        ("2019-05-31 22:00:00+00", "2019-06-01"),  # midnight in Johannesburg
    ):
        crowd.query(moved, moment)
        found = sam.call("list_contacts", {"added_from": day, "added_to": day})
        assert [contact["contact_id"] for contact in found["contacts"]] == ["C-1"]
    crowd.query(moved, "2026-01-01 00:00:00+00")


def test_a_range_that_ends_before_it_begins_is_refused_at_its_end(sam: Caller) -> None:
    for query, field in (
        ({"added_from": "2026-02-01", "added_to": "2026-01-31"}, "added_to"),
        ({"spent_min_cents": 2, "spent_max_cents": 1}, "spent_max_cents"),
    ):
        with pytest.raises(Refused, match="invalid") as refused:
            sam.call("list_contacts", query)
        assert set(refused.value.fields) == {field}
