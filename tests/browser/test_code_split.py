"""Which code a form needs, and how a package's code is divided into files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app_server.http.code_graph import find_needed, module_name, read_forms, read_imports
from app_server.http.code_split import split_modules


def test_imports_are_found_wherever_they_stand() -> None:
    code = """
import json, shop.tea as tea
from . import depth
from .. import width
from ...far import far
def f():
    from .late import x, y
"""
    found = read_imports("shop.areas.Home", True, code)
    assert {"json", "shop.tea", "shop.areas.Home.depth", "shop.areas.width"} <= found
    assert {"shop.areas.Home.late", "shop.areas.Home.late.y", "shop.far.far"} <= found
    # In a module, a dot is the package around it.
    assert "shop.areas.depth" in read_imports("shop.areas.Home", False, code)


def test_what_is_no_python_imports_nothing() -> None:
    assert read_imports("shop.bad", False, "import x\ny = (") == frozenset()
    assert "shop" not in read_imports("shop", False, "from ....above import x")


def test_a_template_names_the_forms_that_it_shows() -> None:
    panel = {"type": "RepeatingPanel", "properties": {"item_template": "shop.Row"}}
    card = {"type": "m3.Card", "components": [panel, {"type": "Label"}]}
    template = {"layout": {"type": "shop.Shell"}, "components_by_slot": {"content": [card]}}
    assert set(read_forms(template)) == {"shop.Shell", "m3.Card", "shop.Row"}


def test_a_module_comes_with_its_packages_and_all_that_it_needs_in_turn() -> None:
    graph = {
        "shop": frozenset[str](),
        "shop.Home": frozenset({"shop.tea", "json"}),
        "shop.tea": frozenset({"shop.Home"}),
        "shop.other": frozenset({"shop.Home"}),
    }
    assert find_needed(graph, ["shop.Home"]) == {"shop", "shop.Home", "shop.tea"}


def test_the_name_of_a_virtual_path() -> None:
    assert module_name("src/lib/anvil/tables/__init__.js") == "anvil.tables"
    assert module_name("src/builtin/sys.js") == "sys"
    assert module_name("app/shop/Home.js") == "shop.Home"


def test_large_forms_stand_alone_and_what_they_share_together() -> None:
    sizes = {"a.One": 9000, "a.Two": 9000, "a.shared": 9000, "a.more": 300}
    shared = frozenset({"a.shared", "a.more"})
    graph = {"a.One": shared, "a.Two": shared, "a.shared": frozenset(), "a.more": frozenset()}
    assert split_modules(graph, sizes, ["a.One", "a.Two"]) == [
        ["a.One"],
        ["a.Two"],
        ["a.more", "a.shared"],
    ]


def test_small_parts_of_one_form_are_not_worth_a_request_each() -> None:
    rows = [f"a.Row{number}" for number in range(5)]
    sizes = {"a.Page": 100, **{name: 100 for name in rows}}
    graph = {"a.Page": frozenset(rows), **{name: frozenset[str]() for name in rows}}
    assert split_modules(graph, sizes, ["a.Page"]) == [sorted(sizes)]
    # Forms of their own: who opens one does not pay for the others.
    assert len(split_modules(graph, {**sizes, "a.Page": 9000}, list(sizes))) > 1


names = st.sampled_from([f"a.m{number}" for number in range(8)])


@given(
    st.dictionaries(names, st.frozensets(names), min_size=1),
    st.integers(1, 20_000),
    st.randoms(use_true_random=False),
)
def test_each_module_is_in_one_file_in_any_order(graph, size, random) -> None:  # type: ignore[no-untyped-def]
    sizes = {name: size for name in graph}
    forms = sorted(graph)[::2]
    groups = split_modules(graph, sizes, forms)
    assert sorted(name for group in groups for name in group) == sorted(graph)
    shuffled = list(graph)
    random.shuffle(shuffled)
    again = split_modules(graph, {name: sizes[name] for name in shuffled}, forms[::-1])
    assert again == groups
