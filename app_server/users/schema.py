"""The user table's columns that the service itself needs, added to what an app declares."""

from __future__ import annotations

from typing import Any

from app_server.apps import App
from app_server.users.config import SERVICE, read_users_config

COLUMN_TYPES = {
    "email": "string",
    "password_hash": "string",
    "enabled": "bool",
    "signed_up": "datetime",
    "last_login": "datetime",
    "confirmed_email": "bool",
    "email_confirmation_key": "string",
    "n_password_failures": "number",
    "remembered_logins": "simpleObject",
    "mfa": "simpleObject",
}
"""What the service keeps, under the names and types that Anvil's server uses."""

ADDED_BESIDE = frozenset({"mfa"})
"""Those that are no part of the app's schema unless it names them: an installation from before
they were needed starts without ``--auto-migrate``."""

SECRET_COLUMNS = frozenset({"password_hash", "email_confirmation_key", "remembered_logins", "mfa"})
"""No browser gets these, not even of its own user, whatever the app declares."""


def complete_schema(app: App) -> Any:
    """The app's ``db_schema`` with the columns that its user table lacks (Anvil's server makes them
    when it first needs them), and with those that hold secrets hidden from browsers.

    A schema of the old form (a list), or without the user table, is left as it is.
    """
    schema = app.db_schema
    if SERVICE not in app.services or not isinstance(schema, dict):
        return schema
    name = read_users_config(app).user_table
    table = schema.get(name)
    if not isinstance(table, dict):
        return schema
    columns = [dict(column) for column in table.get("columns") or []]
    known = {column.get("name") for column in columns}
    known |= ADDED_BESIDE
    columns += [{"name": n, "type": t} for n, t in COLUMN_TYPES.items() if n not in known]
    for column in columns:
        if column.get("name") in SECRET_COLUMNS:
            column["client_hidden"] = True
    return {**schema, name: {**table, "columns": columns}}
