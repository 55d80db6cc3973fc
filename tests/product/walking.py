"""Every callable of the product with arguments that its rules accept: what attacks start from.

A rule of a new kind has to be added to SAMPLES, or the walks fail.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from master_template.server_shared import validators as rules
from master_template.server_shared.callables import CallableSpec
from tests.product.customers import AGREED
from tests.product.studio import PASSWORD, Studio

SERVER_CODE = Path(__file__).resolve().parents[2] / "master_template" / "server_code"
_numbers = itertools.count(1)


def specs() -> dict[str, CallableSpec]:
    """Every callable by name, found by importing all of the server code."""
    for file in sorted(SERVER_CODE.rglob("*.py")):
        parts = file.relative_to(SERVER_CODE).with_suffix("").parts
        importlib.import_module(".".join(("master_template", *parts)).removesuffix(".__init__"))
    from master_template.server_shared.callables import declared

    return dict(declared)


SAMPLES: dict[str, Callable[[Any], Any]] = {
    "AgreedVersions": lambda rule: dict(AGREED),
    "Batch": lambda rule: [],
    "Bool": lambda rule: True,
    "Choice": lambda rule: rule.options[0],
    "Colour": lambda rule: "#2f6f5e",
    "ContactId": lambda rule: "C-1",
    "Country": lambda rule: "ZA",
    "CriteriaRule": lambda rule: {
        "match": "all",
        "rules": [{"field": "tags", "operator": "has_any_of", "value": ["VIP"]}],
    },
    "Day": lambda rule: "2026-03-14",
    "Email": lambda rule: f"someone{next(_numbers)}@example.com",
    "EventData": lambda rule: {},
    "FieldTexts": lambda rule: {"publishable_key": "pk_test_0123456789"},
    "FormId": lambda rule: "fabcdefghjkm",
    "FirstPassword": lambda rule: "a fine new password",
    "GivenPassword": lambda rule: PASSWORD,
    "Int": lambda rule: max(1, rule.minimum),
    "InvitationId": lambda rule: "0123456789abcdef",
    "Items": lambda rule: [sample(rule.item)],
    "Locale": lambda rule: "en-ZA",
    "LocalMoment": lambda rule: "2036-03-14T09:30",
    "LogoFile": lambda rule: None,  # a file is sent in a way of its own: test_settings_theme.py
    "MailContent": lambda rule: {"subject": "Hi", "format": "markdown", "markdown": "Hello"},
    "PictureFile": lambda rule: None,  # a file, as LogoFile: test_mail_images.py
    "Moment": lambda rule: "2026-03-14T09:30:00+02:00",
    "Origin": lambda rule: "https://example.com",
    "Password": lambda rule: "a fine new password",
    "Percent": lambda rule: 12.5,
    "Phone": lambda rule: "+27 82 555 0101",
    "Recipients": lambda rule: SAMPLES["Record"](rule),
    "Record": lambda rule: {name: sample(field) for name, field in rule.fields.items()},
    "RequestId": lambda rule: "0123456789abcdef",
    "SegmentId": lambda rule: "S-1",
    "Steps": lambda rule: [{"content": {"subject": "Hello"}}],
    "TaskId": lambda rule: "[1,1]",
    "Selection": lambda rule: {"contact_ids": ["C-1"]},
    "Text": lambda rule: "Text"[: rule.max_chars].ljust(rule.min_chars, "x"),
    "ColumnMapping": lambda rule: ["email"],
    "UploadedTable": lambda rule: None,  # as a logo is: test_contact_imports.py
    "TimeZone": lambda rule: "Africa/Johannesburg",
    "UserId": lambda rule: "[1,1]",
    "Version": lambda rule: "v1.2.0",
    "WebAddress": lambda rule: "https://example.com",
    "Word": lambda rule: "update",
}


def sample(rule: rules.Rule) -> Any:
    """A value that the rule accepts."""
    kind = type(rule).__name__
    assert kind in SAMPLES, f"walking.py has no sample for the rule {kind}"
    return SAMPLES[kind](rule)


def arguments(spec: CallableSpec) -> dict[str, Any]:
    """A value for every parameter of a callable."""
    return {name: sample(rule) for name, rule in spec.takes.items()}


def leaves(rule: rules.Rule, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, rules.Rule]]:
    """(path, rule) of everything in a rule that holds no other one."""
    if isinstance(rule, rules.Record):
        for name, field in rule.fields.items():
            yield from leaves(field, (*path, name))
    elif isinstance(rule, rules.Items):
        yield from leaves(rule.item, (*path, 0))
    else:
        yield path, rule


def records(rule: rules.Rule, path: tuple[str, ...] = ()) -> Iterator[tuple[Any, rules.Record]]:
    """(path, record) of every set of named fields in a rule."""
    if isinstance(rule, rules.Record):
        yield path, rule
        for name, field in rule.fields.items():
            yield from records(field, (*path, name))


def put(values: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    """Set what is deep inside some values."""
    holder: Any = values
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value


def fill_texts(spec: CallableSpec, text: Callable[[int], str]) -> dict[str, Any]:
    """Arguments in which every text, wherever it is, is ``text(max_chars)``."""
    given = arguments(spec)
    for name, rule in spec.takes.items():
        for path, leaf in leaves(rule, (name,)):
            if isinstance(leaf, rules.Text) and len(text(leaf.max_chars)) >= leaf.min_chars:
                put(given, path, text(leaf.max_chars))
    return given


def everything_stored(studio: Studio, without: Sequence[str] = ()) -> Mapping[str, Any]:
    """A fingerprint of each table, to show that an attack has changed nothing. ``without``: names
    of columns that do not count. Metrics are left out: a worker writes them when it is time to."""
    tables = studio.query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'app'"
    )
    assert len(tables) > 5
    row = "(to_jsonb(t) - ARRAY[" + ", ".join(f"'{name}'" for name in without) + "]::text[])::text"
    digest = f"md5(string_agg({row}, chr(10) ORDER BY {row}))"
    # One statement: the walks ask for this hundreds of times.
    parts = [
        f"SELECT '{table}', count(*), {digest} FROM app.\"{table}\" t"
        for (table,) in tables
        if table != "callable_metrics"
    ]
    return {table: rows for table, *rows in studio.query(" UNION ALL ".join(parts))}
