"""Rules that the database itself enforces, declared in ``constraints.yaml`` beside ``anvil.yaml``.

    contacts:
      unique:
        - [contact_id]
        - {name: contacts_email, columns: ["lower(email)"], where: "deleted_at IS NULL",
           message: Another contact has this e-mail address.}
      check:
        spent_not_negative: total_spent_cents >= 0
        stage_known: {expression: "stage IN ('lead', 'won')", message: This stage is not known.}
      exclude:
        no_overlap: {elements: "staff WITH =, tstzrange(starts_at, ends_at) WITH &&",
                     where: "status <> 'cancelled'", message: This time is taken.}
    audit_log:
      append_only:
        audit_log_append_only: {redact: [user_email, changes], keep_days: 730, since: logged_at}

Rows of an ``append_only`` table can be added, and nothing else: the database refuses every UPDATE,
DELETE and TRUNCATE, whoever asks. Two exceptions are declared. The columns in ``redact`` may become
empty, or the word ``erased`` (of an object, each of its values), so that a person can be forgotten;
to list a link there also lets the row be deleted that it leads to. And with ``keep_days`` a row may
go once the moment in ``since`` is so long ago.

Names and expressions are SQL over the columns of the table (``using`` of an exclusion is ``gist``
unless given). A change that breaks a rule fails with the rule's message as
``anvil.tables.TableError``. Anvil's own server knows nothing of this file, so application code
checks first and treats these as the net.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app_server.errors import StartupError
from app_server.tables.names import DATA_SCHEMA, META_SCHEMA, literal, quote, sanitise, shorten
from app_server.tables.schema import WantedTable

APPEND_ONLY = "append_only"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_ELEMENT = re.compile(r"\s*(.+?)\s+WITH\s+(\S+)\s*", re.IGNORECASE | re.DOTALL)
"""An expression and the operator of an exclusion."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """``definition`` is what stands in the database's statement, after the name. ``expression`` of
    a check, ``parts`` (and ``operators``) of the others and ``where`` are pieces of it."""

    table: str
    name: str
    kind: str
    definition: str
    message: str
    expression: str = ""
    parts: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    where: str = ""

    def create(self, table_sql: str) -> str:
        if self.kind == APPEND_ONLY:
            return "; ".join(self._triggers(table_sql))
        if self.kind == "unique":
            return f"CREATE UNIQUE INDEX {quote(self.name)} ON {table_sql} {self.definition}"
        return f"ALTER TABLE {table_sql} ADD CONSTRAINT {quote(self.name)} {self.definition}"

    def _triggers(self, table_sql: str) -> Iterator[str]:
        arguments = ", ".join(map(literal, (self.name, *self.parts)))
        call = f"EXECUTE FUNCTION {META_SCHEMA}.keep_rows({arguments})"
        row, statement = map(quote, append_only_triggers(self.name))
        yield (f"CREATE TRIGGER {row} BEFORE UPDATE OR DELETE ON {table_sql} FOR EACH ROW {call}")
        yield f"CREATE TRIGGER {statement} BEFORE TRUNCATE ON {table_sql} {call}"
        yield from enable_append_only(self.name, table_sql)


def append_only_triggers(name: str) -> tuple[str, str]:
    """The triggers of such a rule: for rows, and for the whole table."""
    return name, shorten(f"{name}_truncate")


def enable_append_only(name: str, table_sql: str) -> Iterator[str]:
    """Also where a session asks for triggers to be left out."""
    for trigger in append_only_triggers(name):
        yield f"ALTER TABLE {table_sql} ENABLE ALWAYS TRIGGER {quote(trigger)}"


def disable_append_only(name: str, table_sql: str) -> Iterator[str]:
    """For a migration that writes into rows; undone in the same transaction."""
    for trigger in append_only_triggers(name):
        yield f"ALTER TABLE {table_sql} DISABLE TRIGGER {quote(trigger)}"


def drop_statement(kind: str, name: str, table_sql: str) -> str:
    if kind == APPEND_ONLY:
        triggers = map(quote, append_only_triggers(name))
        return "; ".join(f"DROP TRIGGER {trigger} ON {table_sql}" for trigger in triggers)
    if kind == "unique":
        return f"DROP INDEX {quote(DATA_SCHEMA)}.{quote(name)}"
    return f"ALTER TABLE {table_sql} DROP CONSTRAINT {quote(name)}"


def parse_constraints(raw: Any, tables: Mapping[str, WantedTable]) -> list[Constraint]:
    """The rules of a parsed ``constraints.yaml`` (None where there is none). StartupError names the
    table and the fault."""
    found = list[Constraint]()
    if raw is not None and not isinstance(raw, Mapping):
        raise StartupError("constraints.yaml must be a mapping from table names to rules.")
    for table, rules in (raw or {}).items():
        if table not in tables:
            raise StartupError(f"constraints.yaml: there is no table '{table}' in db_schema.")
        unknown = set(rules) - {"unique", "check", "exclude", APPEND_ONLY}
        if unknown:
            raise StartupError(
                f"constraints.yaml: table '{table}' has {', '.join(sorted(map(str, unknown)))}; "
                "rules are unique, check, exclude and append_only."
            )
        found += [_unique(table, spec) for spec in rules.get("unique") or []]
        found += [_check(table, name, spec) for name, spec in (rules.get("check") or {}).items()]
        found += [_exclude(table, n, spec) for n, spec in (rules.get("exclude") or {}).items()]
        found += [
            _append_only(tables[table], name, spec)
            for name, spec in (rules.get(APPEND_ONLY) or {}).items()
        ]
    names = [constraint.name for constraint in found]
    for name in names:
        if names.count(name) > 1:
            raise StartupError(f"constraints.yaml: two rules are named '{name}'.")
    return found


def _unique(table: str, spec: Any) -> Constraint:
    spec = spec if isinstance(spec, Mapping) else {"columns": spec}
    columns = spec.get("columns")
    if not isinstance(columns, list) or not columns:
        raise StartupError(f"constraints.yaml: a unique rule of '{table}' names no columns.")
    parts = [quote(c) if _PLAIN.match(c) else f"({c})" for c in map(str, columns)]
    default = f"{sanitise(table)}_{'_'.join(sanitise(str(c)) for c in columns)}_unique"
    label = " and ".join(str(column) for column in columns)
    return Constraint(
        table,
        shorten(str(spec.get("name") or default)),
        "unique",
        f"({', '.join(parts)}){_where(spec, parentheses=False)}",
        str(spec.get("message") or f"Another row of '{table}' has the same {label}."),
        parts=tuple(parts),
        where=str(spec.get("where") or ""),
    )


def _check(table: str, name: str, spec: Any) -> Constraint:
    spec = spec if isinstance(spec, Mapping) else {"expression": spec}
    if not spec.get("expression"):
        raise StartupError(f"constraints.yaml: check '{name}' of '{table}' has no expression.")
    message = spec.get("message") or f"This row breaks the rule '{name}' of '{table}'."
    expression = str(spec["expression"])
    return Constraint(
        table,
        shorten(str(name)),
        "check",
        f"CHECK ({expression})",
        str(message),
        expression=expression,
    )


def _exclude(table: str, name: str, spec: Any) -> Constraint:
    if not isinstance(spec, Mapping) or not spec.get("elements"):
        raise StartupError(f"constraints.yaml: exclusion '{name}' of '{table}' has no elements.")
    using = quote(str(spec.get("using") or "gist"))
    elements = [_ELEMENT.fullmatch(text) for text in _split(str(spec["elements"]))]
    whole = all(elements)
    return Constraint(
        table,
        shorten(str(name)),
        "exclude",
        f"EXCLUDE USING {using} ({spec['elements']}){_where(spec)}",
        str(spec.get("message") or f"This row overlaps another one ('{name}' of '{table}')."),
        parts=tuple(e[1] for e in elements if e and whole),
        operators=tuple(e[2] for e in elements if e and whole),
        where=str(spec.get("where") or ""),
    )


def _append_only(table: WantedTable, name: str, spec: Any) -> Constraint:
    where = f"constraints.yaml: append_only rule '{name}' of '{table.name}'"
    spec = spec if spec is not None else {}
    if not isinstance(spec, Mapping) or set(spec) - {"redact", "keep_days", "since", "message"}:
        raise StartupError(f"{where} may have redact, keep_days, since and message.")
    redact, days, since = spec.get("redact") or [], spec.get("keep_days"), spec.get("since")
    if not isinstance(redact, list):
        raise StartupError(f"{where}: redact has to be a list of columns.")
    kinds = {sanitise(column.name): column.type for column in table.columns}
    missing = [column for column in redact if column not in kinds]
    if missing:
        raise StartupError(f"{where} names columns that are not there: {missing}.")
    if (days is None) != (since is None) or (since is not None and kinds.get(since) != "datetime"):
        raise StartupError(f"{where}: keep_days goes with since, a datetime column of the table.")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or days < 0):
        raise StartupError(f"{where}: keep_days has to be a whole number of days.")
    kept = ("", "") if days is None else (str(days), str(since))
    message = spec.get("message") or f"Rows of '{table.name}' are only added ('{name}')."
    return Constraint(
        table.name,
        shorten(str(name)),
        APPEND_ONLY,
        f"REDACT ({', '.join(redact)}) KEEP ({' days since '.join(kept) if days else ''})",
        str(message),
        parts=(*kept, *redact),
    )


def _split(elements: str) -> list[str]:
    """At the commas that stand outside of parentheses."""
    parts, depth = [""], 0
    for character in elements:
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _where(spec: Mapping[str, Any], *, parentheses: bool = True) -> str:
    where = spec.get("where")
    if not where:
        return ""
    return f" WHERE ({where})" if parentheses else f" WHERE {where}"
