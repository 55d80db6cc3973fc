"""The app folder itself: templates that can be read, addresses that lead somewhere, one schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from app_server.templates import Package, read_templates
from master_template.shared import navigation_groups, routes

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "master_template"
MANIFEST = yaml.safe_load((APP / "anvil.yaml").read_text())


def test_every_template_can_be_read() -> None:
    found = read_templates(
        [
            Package(
                name="master_template",
                client_code=APP / "client_code",
                dependencies={"4UK6WHQ6UX7AKELK": "m3"},
            ),
            Package(name="m3", client_code=ROOT / "m3" / "client_code", dependencies={}),
        ]
    )
    assert [str(problem) for problem in found.problems] == []


@pytest.mark.parametrize("form", sorted({form for _, form, _ in routes.PAGES}))
def test_every_address_opens_a_form_that_is_there(form: str) -> None:
    folder = APP / "client_code" / Path(*form.split("."))
    assert (folder / "__init__.py").exists()
    assert (folder / "form_template.html").exists()


def test_every_destination_of_the_menus_has_an_address() -> None:
    staff = [item for _, items in navigation_groups.GROUPS for item in items]
    for name, path, *_ in staff:
        assert routes.find_page(path) is not None, name


def test_the_menu_is_the_one_of_the_specification() -> None:
    """MB 2.2: the groups, their destinations, and the feature each depends on."""
    found = {
        heading: [(name, feature) for name, _, feature, _ in items]
        for heading, items in navigation_groups.GROUPS
    }
    assert found == {
        None: [("dashboard", None)],
        "group_sales": [
            ("bookings", "bookings"),
            ("products", "ecommerce"),
            ("orders", "ecommerce"),
            ("rooms", "hospitality"),
            ("services", "services"),
            ("memberships", "memberships"),
        ],
        "group_customers": [
            ("contacts", None),
            ("marketing", "marketing"),
            ("campaigns", "marketing"),
            ("broadcasts", "marketing"),
            ("segments", "marketing"),
            ("tasks", "marketing"),
            # Of MB 2.1, which gives them no place in the menu.
            ("lead_capture", "marketing"),
            ("reviews", "reviews"),
            ("referrals", "referrals"),
        ],
        "group_content": [("blog", "blog"), ("pages", None), ("media", None)],
        "group_finance": [
            ("invoices", None),
            ("payments", None),
            ("reports", None),
            ("analytics", None),
        ],
        "line_settings": [("settings", None)],
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/app/contacts/C-12", ("customers.ContactDetailForm", {"contact_id": "C-12"})),
        ("/app/contacts/new", ("customers.ContactEditorForm", {})),
        ("/app/contacts/C-12/edit", ("customers.ContactEditorForm", {"contact_id": "C-12"})),
        ("/app/", ("dashboard.DashboardForm", {})),
        ("/app/coming/rooms", ("shared.ComingForm", {"section": "rooms"})),
        ("/app/coming/nonsense", None),
        ("/app/contacts//edit", None),
        ("/elsewhere", None),
    ],
)
def test_finds_the_page_of_an_address(path: str, expected: tuple[str, object] | None) -> None:
    found = routes.find_page(path)
    assert (found[:2] if found else None) == expected


def test_no_table_is_open_to_browsers() -> None:
    assert {table["client"] for table in MANIFEST["db_schema"].values()} == {"none"}


def test_constraints_speak_of_columns_that_are_there() -> None:
    constraints = yaml.safe_load((APP / "constraints.yaml").read_text())
    for table, rules in constraints.items():
        columns = {column["name"] for column in MANIFEST["db_schema"][table]["columns"]}
        for rule in rules.get("unique", []):
            for expression in rule["columns"]:
                assert re.sub(r"^lower\((\w+)\)$", r"\1", expression) in columns
