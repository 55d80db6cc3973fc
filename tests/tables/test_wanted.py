"""What an app and the apps it depends on want of the database, read from their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from app_server.apps import load_app
from app_server.errors import StartupError
from app_server.tables.wanted import schema_of
from tests.app_server.running import write_files

SHOP = """\
package_name: shop
dependencies: [{app_id: DEP, version: {version_tag: v1.2.0}}]
db_schema: {items: {server: full, columns: [{name: n, type: number}]}}
table_id_hints: {items: {known_ids: [1]}}
"""
TEMPLATE = (
    "package_name: template\ntable_id_hints: {items: {known_ids: [2]}, old: {known_ids: [1]}}\n"
)
RENAME = "renames: [{id: '%s', tables: {old: items}}]"


def write(folder: Path, **files: str) -> Path:
    write_files(
        folder,
        {
            "shop/anvil.yaml": SHOP,
            "template/anvil.yaml": TEMPLATE,
            **{name.replace("__", "/") + ".yaml": text for name, text in files.items()},
        },
    )
    return folder / "shop"


def test_renames_hints_and_rules_come_from_dependencies_too(tmp_path: Path) -> None:
    app = load_app(
        write(
            tmp_path,
            shop__migrations=RENAME % "own",
            template__migrations=RENAME % "first",
            shop__constraints="items: {unique: [[n]], check: {small: n < 9}}",
            template__constraints="items: {unique: [[a]], check: {small: n < 5, large: n > 1}}",
        ),
        {"DEP": "template"},
    )
    wanted = schema_of(app)
    assert [(r.package, r.id) for r in wanted["renames"]] == [
        ("template", "first"),
        ("shop", "own"),
    ]
    assert wanted["hints"] == {"items": {"known_ids": [1]}, "old": {"known_ids": [1]}}
    assert wanted["constraints"] == {
        "items": {"unique": [["a"], ["n"]], "check": {"small": "n < 9", "large": "n > 1"}}
    }
    assert wanted["app_version"] == f"template v1.2.0, shop {app.version}"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "template__migrations",
            "renames: [{tables: {}}]",
            "template/migrations.yaml: each rename",
        ),
        ("shop__constraints", "[]\n- x", "constraints.yaml"),
        ("shop__constraints", "items: [x]", "the rules of a table have to be a mapping"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    app = load_app(write(tmp_path, **{name: text}), {"DEP": "template"})
    with pytest.raises(StartupError) as raised:
        schema_of(app)
    assert message in str(raised.value)
