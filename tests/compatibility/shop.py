"""The app that the lookups on a server run in: tables, users, an endpoint, a form."""

from __future__ import annotations

from tests.compatibility.lookup import SERVER_CODE

ANVIL_YAML = """
package_name: shop
name: Corner shop
runtime_options: {version: 3, server_persist: true}
startup: {type: form, module: Main}
services:
- {source: /runtime/services/tables.yml, client_config: {enable_v2: true}}
- source: /runtime/services/anvil/users.yml
  client_config: {use_email: true, use_token: true, allow_signup: true, confirm_email: true}
  server_config: {user_table: users}
- {source: /runtime/services/anvil/email.yml, server_config: {test_mode: true}}
- {source: /runtime/services/anvil/files.yml, server_config: {file_table: files}}
- {source: /runtime/services/google.yml}
db_schema:
  users:
    title: Users
    client: none
    server: full
    columns:
    - {name: email, type: string, admin_ui: {width: 200}}
    - {name: enabled, type: bool, admin_ui: {width: 200}}
  files:
    title: Files
    client: none
    server: full
    columns:
    - {name: path, type: string, admin_ui: {width: 200}}
    - {name: file, type: media, admin_ui: {width: 200}}
    - {name: file_version, type: string, admin_ui: {width: 200}}
"""

ENDPOINTS = """
@anvil.server.http_endpoint("/hello")
def hello():
    return "hello"

@anvil.server.route("/page")
def page():
    return anvil.server.HttpResponse(200, "a page")

@anvil.server.wellknown_endpoint("/tea")
def tea():
    return "tea"
"""
DATA_FILES = """
import anvil, anvil.server
from anvil.files import data_files
from anvil.tables import app_tables

@anvil.server.callable
def change_a_data_file():
    media = anvil.BlobMedia("text/plain", b"green", name="teas.txt")
    app_tables.files.add_row(path="teas.txt", file=media, file_version="1")
    with data_files.editing("teas.txt") as path, open(path, "r+") as file:
        first = file.read()
        file.write(" and black")
    return [first, app_tables.files.get(path="teas.txt")["file"].get_bytes().decode()]
"""
FORM = """
from ._anvil_designer import MainTemplate

class Main(MainTemplate):
    pass
"""
FILES: dict[str, str | bytes] = {
    "server_code/lookups.py": SERVER_CODE,
    "server_code/endpoints.py": f"import anvil.server\n{ENDPOINTS}",
    "server_code/files.py": DATA_FILES,
    "client_code/Main/__init__.py": FORM,
    "client_code/Main/form_template.html": "<p>Shop</p>",
    "theme/assets/tea.txt": "tea",
}
