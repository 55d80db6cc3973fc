"""The statements that rename tables and columns, set them aside, bring them back and purge them.

Names are quoted; there are no parameters. Triggers of media and of lists of links name their column
in an argument, so they are made anew wherever a name changes.
"""

from __future__ import annotations

from app_server.tables.ddl import (
    aside_link_index,
    drop_dead_links,
    link_index,
    trigger_names,
    triggers,
)
from app_server.tables.names import (
    DATA_SCHEMA,
    META_SCHEMA,
    aside_schema,
    literal,
    quote,
    shorten,
)
from app_server.tables.schema import LINK_MULTIPLE, Column, Schema, Table


def drop_triggers(table: Table, column: Column, schema: Schema) -> list[str]:
    holder: Table | None = table
    if column.type == LINK_MULTIPLE:
        holder = schema.tables.get(column.target) if column.target is not None else None
    if holder is None:
        return []
    names = trigger_names(column.type, table.sql, column.sql_name)
    return [f"DROP TRIGGER IF EXISTS {quote(name)} ON {holder.sql}" for name in names]


def make_triggers(table: Table, column: Column, schema: Schema) -> list[str]:
    target = schema.tables.get(column.target) if column.target is not None else None
    return triggers(column.type, table.sql, column.sql_name, target.sql if target else None)


def aside_column_name(column: Column) -> str:
    return shorten(f"_removed_{column.id}_{column.sql_name}")


def set_column_aside(
    table: Table, column: Column, schema: Schema, version: str, *, name: str
) -> list[str]:
    """``name``: by which it could come back; another than its own where it was renamed."""
    aside = aside_column_name(column)
    return [
        *drop_triggers(table, column, schema),
        f"ALTER TABLE {table.sql} RENAME COLUMN {column.sql} TO {quote(aside)}",
        f"UPDATE {META_SCHEMA}.columns SET removed_at = now(), removed_by = {literal(version)},"
        f" name = {literal(name)}, sql_name = {literal(aside)} WHERE id = {column.id}",
        # The name of a link's index must be free for a column that takes its place.
        _rename_index(
            link_index(table.sql_name, column.sql_name), aside_link_index(column.id), table.schema
        ),
    ]


def set_table_aside(table: Table, schema: Schema, version: str) -> list[str]:
    aside = quote(aside_schema(table.id))
    statements = []
    for column in table.columns.values():
        statements += drop_triggers(table, column, schema)
    return [
        *statements,
        f"CREATE SCHEMA {aside}",
        f"ALTER TABLE {table.sql} SET SCHEMA {aside}",
        f"UPDATE {META_SCHEMA}.tables SET removed_at = now(), removed_by = {literal(version)}"
        f" WHERE id = {table.id}",
    ]


def revive_table(aside: Table, table: Table) -> list[str]:
    """Bring a table back from its own schema. Its triggers follow by ``revive_columns``, when the
    tables that it links to are back too."""
    new_name = f"{quote(aside.schema)}.{quote(table.sql_name)}"
    statements = []
    if aside.sql_name != table.sql_name:
        statements.append(f"ALTER TABLE {aside.sql} RENAME TO {quote(table.sql_name)}")
    return [
        *statements,
        # The names that Postgres chose may be those of another table by now.
        f"DO $do$ BEGIN EXECUTE (SELECT format('ALTER INDEX %s RENAME TO %I',"
        f" indexrelid::regclass, 'table_{table.id}_pkey') FROM pg_index"
        f" WHERE indrelid = {literal(new_name)}::regclass AND indisprimary);"
        f" EXECUTE format('ALTER SEQUENCE %s RENAME TO %I',"
        f" pg_get_serial_sequence({literal(new_name)}, '_id'), 'table_{table.id}__id_seq');"
        " END $do$",
        f"ALTER TABLE {new_name} SET SCHEMA {quote(DATA_SCHEMA)}",
        f"DROP SCHEMA {quote(aside.schema)}",
        f"UPDATE {META_SCHEMA}.tables SET removed_at = NULL, removed_by = '',"
        f" name = {literal(table.name)}, sql_name = {literal(table.sql_name)}"
        f" WHERE id = {table.id}",
    ]


def revive_columns(table: Table, schema: Schema) -> list[str]:
    statements = []
    for column in table.columns.values():
        target = schema.tables.get(column.target) if column.target is not None else None
        if column.type == LINK_MULTIPLE and target is not None:
            statements.append(drop_dead_links(table.sql, column.sql_name, target.sql))
        statements += make_triggers(table, column, schema)
    return statements


def part_table(table: Table) -> list[str]:
    """Part a table from its names, so that another may take them."""
    name = literal(_parted(table.id))
    return [
        f"ALTER TABLE {table.sql} RENAME TO {quote(_parted(table.id))}",
        f"UPDATE {META_SCHEMA}.tables SET name = {name} WHERE id = {table.id}",
    ]


def rename_table(before: Table, after: Table, *, is_parted: bool) -> list[str]:
    now = _parted(before.id) if is_parted else before.sql_name
    return [
        *(
            [f"ALTER TABLE {quote(before.schema)}.{quote(now)} RENAME TO {quote(after.sql_name)}"]
            if now != after.sql_name
            else []
        ),
        f"UPDATE {META_SCHEMA}.tables SET name = {literal(after.name)},"
        f" sql_name = {literal(after.sql_name)} WHERE id = {after.id}",
    ]


def part_column(table: Table, column: Column) -> list[str]:
    name = _parted(column.id)
    return [
        f"ALTER TABLE {table.sql} RENAME COLUMN {column.sql} TO {quote(name)}",
        f"UPDATE {META_SCHEMA}.columns SET name = {literal(name)} WHERE id = {column.id}",
    ]


def rename_column(table: Table, before: Column, after: Column, *, is_parted: bool) -> list[str]:
    now = _parted(before.id) if is_parted else before.sql_name
    comment = f"{after.name}: {after.type}"
    return [
        *(
            [f"ALTER TABLE {table.sql} RENAME COLUMN {quote(now)} TO {after.sql}"]
            if now != after.sql_name
            else []
        ),
        f"COMMENT ON COLUMN {table.sql}.{after.sql} IS {literal(comment)}",
        f"UPDATE {META_SCHEMA}.columns SET name = {literal(after.name)},"
        f" sql_name = {literal(after.sql_name)} WHERE id = {after.id}",
    ]


def _parted(each: int) -> str:
    """No name of ours begins with an underscore."""
    return f"_renaming_{each}"


def rename_indexes(names: dict[str, str]) -> list[str]:
    """From the old names to the new ones, of which some may be old names of others."""
    clashing = set(names) & set(names.values())
    statements = []
    for before, after in names.items():
        middle = f"_renaming_{before}"[:63] if after in clashing else after
        statements.append(_rename_index(before, middle, DATA_SCHEMA))
        statements.append(
            f"UPDATE {META_SCHEMA}.indexes SET sql_name = {literal(middle)}"
            f" WHERE sql_name = {literal(before)}"
        )
    for before, after in names.items():
        if after in clashing:
            middle = f"_renaming_{before}"[:63]
            statements.append(_rename_index(middle, after, DATA_SCHEMA))
            statements.append(
                f"UPDATE {META_SCHEMA}.indexes SET sql_name = {literal(after)}"
                f" WHERE sql_name = {literal(middle)}"
            )
    return statements


def _rename_index(before: str, after: str, schema: str) -> str:
    return f"ALTER INDEX IF EXISTS {quote(schema)}.{quote(before)} RENAME TO {quote(after)}"


def purge_column(table: Table, column_id: int, sql_name: str) -> list[str]:
    return [
        f"ALTER TABLE {table.sql} DROP COLUMN IF EXISTS {quote(sql_name)} CASCADE",
        f"DELETE FROM {META_SCHEMA}.columns WHERE id = {column_id}",
    ]


def purge_table(table: Table) -> list[str]:
    """Links of other tables to it must have been purged before."""
    return [
        f"DROP SCHEMA {quote(table.schema)} CASCADE",
        f"DELETE FROM {META_SCHEMA}.tables WHERE id = {table.id}",
    ]
