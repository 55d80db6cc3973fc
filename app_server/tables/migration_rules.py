"""Rows that break a rule of ``constraints.yaml``, found before the rule is made."""

from __future__ import annotations

from app_server.tables.constraints import Constraint
from app_server.tables.migration_plan import MAX_EXAMPLE_CHARS, SHOWN_EXAMPLES, Kind, Probe


def rule_probe(rule: Constraint, table_sql: str, view: str) -> Probe:
    """``table_sql``: the quoted table as it is now. ``view``: a query that gives its rows as they
    will be."""
    bad = _violations(rule, view)
    return Probe(
        f"WITH bad AS MATERIALIZED ({bad}) SELECT (SELECT count(*) FROM {table_sql}), NULL::bigint,"
        " (SELECT count(*) FROM bad),"
        " (SELECT jsonb_agg(jsonb_build_object('row', x.row, 'value', x.value)) FROM"
        f" (SELECT * FROM bad ORDER BY bad.row LIMIT {SHOWN_EXAMPLES}) AS x)",
        Kind.IMPOSSIBLE,
        {
            "check": "rows break it",
            "unique": "rows have the same as another row",
            "exclude": "rows overlap another row",
        }[rule.kind],
        optional=True,
    )


def _violations(rule: Constraint, view: str) -> str:
    """A query for ``row`` (the id) and ``value`` (a text) of what breaks the rule."""
    where = rule.where or "true"
    if rule.kind == "check":
        return f"SELECT v._id AS row, '' AS value FROM ({view}) AS v WHERE NOT ({rule.expression})"
    named = [f"({part}) AS p{i}" for i, part in enumerate(rule.parts)]
    names = [f"p{i}" for i in range(len(rule.parts))]
    rows = f"SELECT v._id, {', '.join(named)} FROM ({view}) AS v WHERE ({where})"
    if rule.kind == "unique":
        value = f"left(concat_ws(', ', {', '.join(names)}), {MAX_EXAMPLE_CHARS})"
        present = " AND ".join(f"{name} IS NOT NULL" for name in names)
        counted = (
            f"SELECT p.*, count(*) OVER (PARTITION BY {', '.join(names)}) AS n"
            f" FROM ({rows}) AS p WHERE {present}"
        )
        return f"SELECT c._id AS row, {value} AS value FROM ({counted}) AS c WHERE c.n > 1"
    pairs = zip(names, rule.operators, strict=True)
    meet = " AND ".join(f"a.{name} {operator} b.{name}" for name, operator in pairs)
    return (
        f"WITH p AS MATERIALIZED ({rows}) SELECT a._id AS row, '' AS value FROM p AS a"
        f" WHERE EXISTS (SELECT 1 FROM p AS b WHERE a._id <> b._id AND {meet})"
    )
