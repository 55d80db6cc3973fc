"""What is in a database, table by table, so that two can be compared: rows and a checksum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

# How values become text; the two databases may have other defaults.
SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "search_path": "",
}
TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2
"""
# The sum does not depend on the order of the rows; equal rows count each.
COUNT = """
    SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)
    FROM {} AS t
"""


@dataclass(frozen=True)
class Fingerprint:
    rows: int
    checksum: str


def read_fingerprints(connection: psycopg.Connection[Any]) -> dict[str, Fingerprint]:
    """By ``schema.table``, as the connection's transaction sees them."""
    with connection.transaction():
        for name, value in SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        tables = connection.execute(TABLES).fetchall()
        found: dict[str, Fingerprint] = {}
        for schema, table in tables:
            row = connection.execute(
                sql.SQL(COUNT).format(sql.Identifier(schema, table))
            ).fetchone()
            assert row
            found[f"{schema}.{table}"] = Fingerprint(int(row[0]), str(row[1]))
    return found


def find_differences(
    expected: Mapping[str, Fingerprint], found: Mapping[str, Fingerprint]
) -> list[str]:
    """One sentence for each table that is not equal; none where all are."""
    told = []
    for table in sorted(expected.keys() | found.keys()):
        before, after = expected.get(table), found.get(table)
        if before == after:
            continue
        if before is None or after is None:
            told.append(f"{table} is {'missing' if after is None else 'there and should not be'}")
        elif before.rows != after.rows:
            told.append(f"{table} has {after.rows} rows, not {before.rows}")
        else:
            told.append(f"{table} has {after.rows} rows with other values")
    return told
