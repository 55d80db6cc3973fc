"""Saved views of the list of contacts: own and shared ones, and the one that opens first."""

from __future__ import annotations

import pytest

from tests.product.studio import Refused, Studio


def names(answer: dict[str, list[dict[str, object]]]) -> list[object]:
    return [view["view_name"] for view in answer["views"]]


def test_a_view_is_ones_own_until_it_is_shared(empty_studio: Studio) -> None:
    query = {"status": "lead", "tags_any": ["vip"], "added_from": "2026-01-01", "sort": "spent"}
    with empty_studio.person("mia") as mia, empty_studio.person("sam") as sam:
        view = mia.call("save_view", "New leads", query)["view"]
        assert view["query"] == query
        assert (view["is_mine"], view["is_shared"], view["is_default"]) == (True, False, False)
        assert names(sam.call("list_saved_views")) == []
        for name in ("set_default_view", "delete_saved_view"):
            with pytest.raises(Refused, match="not_found"):
                sam.call(name, view["view_id"])
        mia.call("save_view", "Leads", query, is_shared=True, view_id=view["view_id"])
        (seen,) = sam.call("list_saved_views")["views"]
        assert (seen["view_name"], seen["owner_name"]) == ("Leads", "Mia Tester")
        assert not seen["is_mine"]
        with pytest.raises(Refused, match="denied"):
            sam.call("save_view", "Mine now", query, view_id=view["view_id"])
        assert sam.call("list_contacts", seen["query"])["total"] == 0
        mia.call("delete_saved_view", view["view_id"])
        assert names(sam.call("list_saved_views")) == []


def test_everyone_has_one_default_of_their_own(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia, empty_studio.person("olga") as olga:
        first = mia.call("save_view", "First", {}, is_shared=True, is_default=True)["view"]
        second = mia.call("save_view", "Second", {}, is_shared=True)["view"]
        olga.call("set_default_view", first["view_id"])
        mia.call("set_default_view", second["view_id"])

        def default_of(caller: object) -> list[object]:
            views = caller.call("list_saved_views")["views"]  # type: ignore[attr-defined]
            return [view["view_name"] for view in views if view["is_default"]]

        assert (default_of(mia), default_of(olga)) == (["Second"], ["First"])
        olga.call("set_default_view")
        assert (default_of(mia), default_of(olga)) == (["Second"], [])
        # An owner may clear away what someone has shared.
        for view in (first, second):
            olga.call("delete_saved_view", view["view_id"])
        assert default_of(mia) == []


def test_refuses_a_name_twice_and_what_is_no_query(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia, empty_studio.person("sam") as sam:
        mia.call("save_view", "Twice", {})
        with pytest.raises(Refused, match="duplicate_name") as refused:
            mia.call("save_view", "TWICE", {})
        assert set(refused.value.fields) == {"view_name"}
        sam.call("save_view", "Twice", {})
        with pytest.raises(Refused, match="denied"):
            sam.call("save_view", "For all", {}, is_shared=True)
        for query in ({"password": "x"}, {"sort": "number of legs"}, {"added_from": "soon"}):
            with pytest.raises(Refused, match="invalid"):
                mia.call("save_view", "Broken", query)
        with pytest.raises(Refused, match="invalid"):
            mia.call("save_view", " ", {})
