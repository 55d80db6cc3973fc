"""What an app's files say is read: ``anvil.yaml``, and the templates of forms."""

from __future__ import annotations

from pathlib import Path

import yaml

from app_server.apps import load_app
from app_server.templates import Package, read_templates
from tests.app_server.running import RunningServer, serve_app, write_files
from tests.compatibility.names import read

YAML = """
name: Corner shop
package_name: shop
allow_embedding: true
startup_form: Main
runtime_options: {version: 3, client_version: "3", server_persist: true, legacy_features: {}}
metadata: {title: Teas of the world, description: Black and green, logo_img: asset:tea.png}
native_deps: {head_html: "<meta name='tea' content='green'>", import_map: '{"imports": {}}'}
services: []
dependencies: []
cta: null
layouts: []
secrets: {}
table_id_hints: {}
toolbox: {sections: [], hide_classic_components: true}
toolbox_sections: []
uplink_visible: true
scheduled_tasks: []
db_schema: {}
client_init_module: begin
config_schema: {client: {colour: {type: string, default_value: green}}, server: {}}
"""
TEMPLATE = """
---
custom_component: true
custom_component_container: true
properties:
- {name: title, type: string, default_value: Tea, default_binding_prop: true, group: look,
   description: The name, important: true, allow_binding_writeback: true, multiline: false,
   binding_writeback_events: [change], designer_hint: text, priority: 1, accept: "*",
   show_in_designer_when: enabled}
- {name: kind, type: enum, options: [green, black], include_none_option: true,
   none_option_label: none}
- {name: picture, type: icon, iconsets: [fa]}
events:
- {name: change, parameters: [{name: value, description: What it is}], default_event: true,
   description: It changed, important: true}
toolbox_item: {title: Tea, group: Drinks, hidden: false, icon: {light: a.png, dark: b.png}}
layout_metadata: {title: Tea, description: A layout, thumbnail: a.png, internal: false}
item_type: {table_id: 1}
---
<anvil-form container="LinearPanel" prop:role="card" on:show="self.form_show">
  <anvil-component type="Button" name="save" prop:text="Save" prop:font_size="20"
      container:width="200" on:click="self.save_click"></anvil-component>
  <anvil-component type="TextBox" name="title_box" writeback:text="self.title"
      bind:placeholder="self.kind"></anvil-component>
</anvil-form>
"""
FORM = """
from ._anvil_designer import MainTemplate

class Main(MainTemplate):
    def form_show(self, **event_args):
        pass
    def save_click(self, **event_args):
        pass
"""


def test_anvil_yaml_is_read(tmp_path: Path) -> None:
    assert set(read("files")["anvil.yaml"]) == set(yaml.safe_load(YAML)) | {"startup"}
    files: dict[str, str | bytes] = {
        "client_code/Main/__init__.py": FORM,
        "client_code/Main/form_template.html": "<p>Tea</p>",
        "client_code/begin.py": "",
    }
    with serve_app(tmp_path, files, anvil_yaml=YAML) as server:
        answer = server.get("/")
    assert "<title>Teas of the world</title>" in answer.text
    assert "<meta name='tea' content='green'>" in answer.text
    assert 'content="Black and green"' in answer.text
    assert 'type="importmap"' in answer.text
    assert "_/theme/tea.png" in answer.text
    assert "frame-ancestors" not in answer.headers.get("content-security-policy", "")
    app = load_app(tmp_path / "shop", {})
    assert app.startup == {"type": "form", "module": "Main"}
    assert app.client_init_module == "begin"
    assert app.config["client"] == {"colour": "green"}
    assert app.runtime_options["server_persist"] is True


def test_html_templates_are_read(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "Main/__init__.py": FORM,
            "Main/form_template.html": TEMPLATE.lstrip(),
        },
    )
    found = read_templates([Package(name="shop", client_code=tmp_path, dependencies={})])
    assert found.problems == []
    main = found.templates["shop.Main"]
    assert main["custom_component_container"] is True
    assert [one["name"] for one in main["properties"]] == ["title", "kind", "picture"]
    assert main["events"][0]["name"] == "change"
    assert main["container"]["type"] == "LinearPanel"
    assert main["container"]["event_bindings"] == {"show": "form_show"}
    save, box = main["components"]
    assert save["properties"] == {"text": "Save", "font_size": 20}
    assert save["layout_properties"] == {"width": 200}
    assert save["event_bindings"] == {"click": "save_click"}
    bindings = {one["property"]: one for one in box["data_bindings"]}
    assert bindings["text"]["writeback"] is True
    assert "writeback" not in bindings["placeholder"]


def test_data_files_come_from_their_table(shop: RunningServer) -> None:
    with shop.browser() as visitor:
        assert visitor.call("change_a_data_file") == ["green", "green and black"]
