"""Loading an app folder with its dependencies."""

from __future__ import annotations

from pathlib import Path

import pytest

from app_server.apps import load_app
from app_server.apps.loader import stamp_folders
from app_server.apps.provide import to_downlink
from app_server.errors import StartupError


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


MAIN = """\
package_name: shop
dependencies:
- dep_id: LIBRARY1
  resolution_hints: {package_name: library}
  version: {version_tag: v1.0.0}
  config: {client: {colour: {value: red}}}
services:
- source: /runtime/services/anvil/users.yml
  client_config: {use_email: true}
  server_config: {user_table: users}
"""
LIBRARY = """\
package_name: library
config_schema: {client: {colour: {default_value: blue}, size: {default_value: 3}}}
"""


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    write(
        tmp_path / "shop",
        {
            "anvil.yaml": MAIN,
            "client_code/Home/__init__.py": "class Home: pass",
            "client_code/Home/form_template.html": "<div></div>",
            "client_code/parts/__init__.py": "",
            "client_code/parts/Row.py": "class Row: pass",
            "client_code/parts/Row.yaml": "container: {type: HtmlTemplate}",
            "client_code/plain.py": "x = 1",
            "server_code/server_area/__init__.py": "",
            "server_code/server_area/deep/thing.py": "y = 2",
            "theme/assets/fonts/a.txt": "own",
            "theme/parameters.yaml": "roles: [a]",
        },
    )
    write(
        tmp_path / "library",
        {
            "anvil.yaml": LIBRARY,
            "theme/assets/fonts/a.txt": "theirs",
            "theme/assets/only.txt": "theirs",
        },
    )
    return tmp_path


def test_reads_package_forms_module_forms_and_nested_server_packages(folders: Path) -> None:
    app = load_app(folders / "shop")
    assert {(f.class_name, f.is_package, f.template_kind) for f in app.forms} == {
        ("Home", True, "html"),
        ("parts.Row", False, "yaml"),
    }
    assert [m.name for m in app.modules] == ["parts", "plain"]
    assert [m.name for m in app.server_modules] == ["server_area", "server_area.deep.thing"]
    assert app.services["/runtime/services/anvil/users.yml"].server_config == {
        "user_table": "users"
    }
    provided = to_downlink(app)
    assert provided["dependency_order"] == ["library"]
    assert provided["dependency_code"]["library"]["package_name"] == "library"
    assert provided["dependency_code"]["library"]["config"]["client"] == {
        "colour": "red",
        "size": 3,
    }


def test_own_assets_win_over_those_of_a_dependency(folders: Path) -> None:
    app = load_app(folders / "shop")
    own, theirs = app.find_asset("fonts/a.txt"), app.find_asset("only.txt")
    assert own and own.read_text() == "own"
    assert theirs and theirs.read_text() == "theirs"
    assert app.find_asset("missing.txt") is None


def test_version_follows_any_file_of_any_folder(folders: Path) -> None:
    before = load_app(folders / "shop").version
    assert load_app(folders / "shop").version == before
    (folders / "library/theme/assets/only.txt").write_text("changed")
    assert load_app(folders / "shop").version != before


def test_dep_id_names_a_folder_with_another_name(folders: Path) -> None:
    (folders / "library").rename(folders / "library_v1")
    app = load_app(folders / "shop", {"LIBRARY1": "library_v1"})
    assert [d.package_name for d in app.dependencies] == ["library"]
    assert app.dependency_ids["LIBRARY1"] == "library_v1"


def test_says_which_dependency_is_missing_and_what_to_do(folders: Path) -> None:
    (folders / "library").rename(folders / "elsewhere")
    with pytest.raises(StartupError, match=r"LIBRARY1 \(library\).*--dep-id LIBRARY1=library"):
        load_app(folders / "shop")


def test_refuses_two_versions_of_one_dependency(folders: Path) -> None:
    write(
        folders / "other",
        {
            "anvil.yaml": "package_name: other\n"
            "dependencies: [{dep_id: LIBRARY1, version: {version_tag: v2.0.0}}]"
        },
    )
    main = folders / "shop/anvil.yaml"
    main.write_text(main.read_text().replace("services:", "- dep_id: other\nservices:"))
    with pytest.raises(StartupError, match="only one version"):
        load_app(folders / "shop", {"LIBRARY1": "library"})


def test_names_a_folder_without_anvil_yaml(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="does not hold an Anvil app"):
        load_app(tmp_path)
    with pytest.raises(StartupError, match="no app folder"):
        load_app(tmp_path / "nowhere")


def test_names_file_and_line_of_broken_yaml(folders: Path) -> None:
    (folders / "shop/anvil.yaml").write_text("a: 1\nb: [1,\n")
    with pytest.raises(StartupError, match=r"shop/anvil\.yaml, line 3"):
        load_app(folders / "shop")


def test_what_many_instances_link_to_is_read_once(folders: Path) -> None:
    for name in ("one", "two"):
        write(folders / name / "client", {"anvil.yaml": MAIN.replace("shop", name)})
        (folders / name / "library").symlink_to(folders / "library")
        write(folders / "library", {"client_code/shared.py": "x = 1"})
    one, two = (load_app(folders / name / "client") for name in ("one", "two"))
    assert one.dependencies[0].modules is two.dependencies[0].modules
    assert one.dependencies[0].folder != two.dependencies[0].folder
    assert one.version != two.version


def test_a_link_that_leads_elsewhere_is_noticed(folders: Path) -> None:
    write(folders / "newer", {"anvil.yaml": LIBRARY, "client_code/new.py": "y = 2"})
    (folders / "library").rename(folders / "older")
    link = folders / "library"
    link.symlink_to(folders / "older")
    before, stamp = load_app(folders / "shop"), stamp_folders([link])
    link.unlink()
    link.symlink_to(folders / "newer")
    after = load_app(folders / "shop")
    assert stamp_folders([link]) != stamp
    assert after.version != before.version
    assert [module.name for module in after.dependencies[0].modules] == ["new"]
