"""The metadata of a form: frontmatter of an HTML template, top-level keys of a YAML one."""

from __future__ import annotations

from typing import Any

import yaml

from app_server.templates.problems import Problems, suggest
from app_server.templates.shape import METADATA_KEYS, PROPERTY_TYPES, Json

FENCE = "---"
_PROPERTY_KEYS = ("name", "type", "default_value", "options", "binding_writeback_events")


def split_frontmatter(source: str, problems: Problems) -> tuple[Json, str, int]:
    """Metadata, the body, and the line on which the body begins. Raises TemplateError."""
    lines = source.split("\n")
    if lines[0].rstrip() != FENCE:
        return {}, source, 1
    for end in range(1, len(lines)):
        if lines[end].rstrip() == FENCE:
            break
    else:
        raise problems.fatal(1, f"the frontmatter is never closed by a line '{FENCE}'")
    try:
        data = yaml.safe_load("\n".join(lines[1:end]))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        reason = getattr(error, "problem", None) or str(error)
        raise problems.fatal(line, f"the frontmatter is not valid YAML: {reason}") from error
    if data is None:
        problems.add(1, "the frontmatter is empty: leave it out")
        data = {}
    if not isinstance(data, dict):
        raise problems.fatal(1, "the frontmatter must be keys with values")
    key_lines = {
        line.split(":")[0]: number
        for number, line in enumerate(lines[1:end], start=2)
        if line[:1].strip()
    }
    for key in data:
        if key not in METADATA_KEYS:
            known = suggest(str(key), METADATA_KEYS)
            problems.add(key_lines.get(str(key), 1), f"unknown frontmatter key '{key}'{known}")
    return read_metadata(data, key_lines, problems), "\n".join(lines[end + 1 :]), end + 2


def read_metadata(data: Json, lines: dict[str, int], problems: Problems) -> Json:
    """What the browser needs of a form's metadata: flags, properties and events."""
    metadata: Json = {}
    for flag in ("custom_component", "custom_component_container"):
        if data.get(flag):
            metadata[flag] = True
    if "custom_component_container" in metadata and "custom_component" not in metadata:
        problems.add(
            lines.get("custom_component_container", 1),
            "custom_component_container needs custom_component: true",
        )
    for key, read in (("properties", _read_property), ("events", _read_event)):
        if key not in data:
            continue
        line = lines.get(key, 1)
        entries = data[key]
        # An empty list is harmless and written by Anvil's editor; an empty map or nothing at all is
        # refused because it breaks the browser side of Anvil's own server.
        if not isinstance(entries, list):
            problems.add(line, f"'{key}' must be a list; leave the key out if there are none")
            continue
        found = [entry for item in entries if (entry := read(item, line, problems))]
        _check_unique(found, key, line, problems)
        if found:
            metadata[key] = found
    return metadata


def _read_property(item: Any, line: int, problems: Problems) -> Json | None:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        problems.add(line, f"a property needs a name, not {item!r}")
        return None
    kind = item.get("type")
    if kind not in PROPERTY_TYPES:
        near = suggest(str(kind), PROPERTY_TYPES)
        problems.add(line, f"property '{item['name']}' has unknown type '{kind}'{near}")
    return {key: item[key] for key in _PROPERTY_KEYS if key in item}


def _read_event(item: Any, line: int, problems: Problems) -> Json | None:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        problems.add(line, f"an event needs a name, not {item!r}")
        return None
    return {key: item[key] for key in ("name", "description", "parameters") if key in item}


def _check_unique(entries: list[Json], key: str, line: int, problems: Problems) -> None:
    names = [entry["name"] for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(line, f"'{key}' names '{name}' twice")
