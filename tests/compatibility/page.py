"""``docs/anvil-compatibility.md``, made from the data in ``table/``.

``python -m tests.compatibility.page`` writes it; a test tells when it is stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compatibility.components import listed_components
from tests.compatibility.names import Name, modules_of, names_in, read

PAGE = Path(__file__).parents[2] / "docs" / "anvil-compatibility.md"
MARKS = {"works": "works", "differs": "differs", "not there": "**not there**"}

HEAD = """\
# Compatibility with Anvil's App Server

Apps written for Anvil run here unchanged. This page says what works, what differs and why, and what
is not there and what you are told instead. It is made from `tests/compatibility/table/` by
`python -m tests.compatibility.page`, and tests look up each name in a running server and in
Chromium: change the data, not this page.

Server code runs in Anvil's own published Python (the wheel `anvil-app-server`) and its process
host: `anvil.server`, `anvil.tables` and `anvil.users` in server code *are* Anvil's. Written anew
are the server behind them and everything in the browser.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: where it belongs, what it is about, how it stands."""

    area: str
    what: str
    status: str = "works"
    note: str = ""


def status_of(entry: dict[str, Any]) -> tuple[str, str]:
    for status in ("differs", "not there"):
        if status in entry:
            return status, entry[status]
    return "works", entry.get("note", "")


def behaviours() -> list[Row]:
    return [
        Row(area, entry["what"], *status_of(entry))
        for area, entries in read("behaviours").items()
        for entry in entries
    ]


def name_rows(side: str, area: str) -> list[Row]:
    return [
        Row(area, f"`{name.name}`", name.status, name.note)
        for module in modules_of(side)
        for name in names_in(module)
    ]


def component_rows() -> list[Row]:
    rows = []
    for one in listed_components():
        for part in (one.properties, one.events, one.methods):
            rows += [Row("Components", f"`{one.name}.{name}`") for name in part]
    return rows


def option_rows() -> list[Row]:
    return [
        Row("Options of the server", f"`--{one['name']}`", *status_of(one))
        for one in read("options")["options"]
    ]


def file_rows(part: str, area: str) -> list[Row]:
    rows = []
    for key, entry in read("files")[part].items():
        status, note = status_of(entry)
        if entry.get("designer"):
            note = "For Anvil's editor; of no effect while the app runs, there as here."
        rows.append(Row(area, f"`{key}`", status, note))
    return rows


def address_rows() -> list[Row]:
    listed = read("addresses")
    rows = [
        Row("Addresses", f"`{one['path']}`", "works", one["what"]) for one in listed["addresses"]
    ]
    lacking = listed["not there"]
    return rows + [Row("Addresses", f"`{one['path']}`", "not there", one["why"]) for one in lacking]


def native_rows() -> list[Row]:
    listed, area = read("natives"), "Native functions"
    rows = []
    for part, status in (("works", "works"), ("refused", "not there")):
        for prefix, names in listed[part].items():
            start = "" if prefix in ("core", "bare") else f"{prefix}."
            note = "Needs an account there; says so." if part == "refused" else ""
            rows += [Row(area, f"`{start}{name}`", status, note) for name in names]
    return rows + [
        Row(area, f"`{name}`", "not there", why) for name, why in listed["not there"].items()
    ]


def all_rows() -> dict[str, list[Row]]:
    """Every row of the page, by area."""
    window = read("window")
    names = [name for name in window["names"].split() if name not in window["mixins"]]
    return {
        "Behaviour": behaviours(),
        "Browser Python": name_rows("browser", "Browser Python"),
        "Components": component_rows(),
        "Names of `anvil.js.window`": [Row("window", name) for name in names],
        "Server Python": name_rows("server", "Server Python"),
        "`anvil.yaml`": file_rows("anvil.yaml", "anvil.yaml"),
        "Services of `anvil.yaml`": file_rows("services", "services"),
        "Templates of forms": file_rows("templates", "templates"),
        "Options of the server": option_rows(),
        "Addresses": address_rows(),
        "Native functions": native_rows(),
    }


def count(rows: Iterable[Row], status: str) -> int:
    return sum(row.status == status for row in rows)


def table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows
    ]


def summary(areas: dict[str, list[Row]]) -> list[str]:
    lines = ["## Summary", ""]
    counted = [
        [area, *(str(count(rows, status) or "") for status in MARKS)]
        for area, rows in areas.items()
    ]
    lines += table(["", *MARKS], counted)
    lines += ["", "## What to know before you switch", ""]
    notable = [row for row in areas["Behaviour"] if row.status != "works"]
    for status, title in (("differs", "Differs"), ("not there", "Not there")):
        lines += [f"**{title}**", ""]
        lines += [f"- {row.what}: {row.note}" for row in notable if row.status == status]
        lines.append("")
    return lines


def behaviour_section(rows: list[Row]) -> list[str]:
    lines = ["## Behaviour", ""]
    for area in dict.fromkeys(row.area for row in rows):
        lines += [f"### {area}", ""]
        own = [row for row in rows if row.area == area]
        lines += table(["", "", ""], ([row.what, MARKS[row.status], row.note] for row in own))
        lines.append("")
    return lines


def signature(name: str, params: str) -> str:
    return f"`{name}({', '.join(params.split())})`"


def class_line(name: str, entry: dict[str, Any]) -> str:
    members = [f"`{one}`" for one in entry.get("attributes", ())]
    members += [signature(one, params) for one, params in entry.get("methods", {}).items()]
    made = signature(name, entry["make"]) if "make" in entry else f"`{name}`"
    return f"- {made}" + (": " + ", ".join(members) if members else "")


def module_section(module: dict[str, Any]) -> list[str]:
    lines = [f"**`{module['module']}`**", ""]
    if "lacking" in module:
        return [*lines, f"Not there: {module['lacking']}.", ""]
    plain = [signature(one, params) for one, params in module.get("functions", {}).items()]
    plain += [f"`{one}`" for one in module.get("values", ())]
    bare = [one for one, entry in module.get("classes", {}).items() if not entry]
    plain += [f"`{one}`" for one in bare]
    if plain:
        lines += [", ".join(plain), ""]
    for kind in ("objects", "classes"):
        for one, entry in module.get(kind, {}).items():
            if entry:
                lines.append(class_line(one, entry))
    if lines[-1]:
        lines.append("")
    marked: list[Name] = [name for name in names_in(module) if name.status != "works"]
    if marked:
        lines += table(
            ["", "", ""], ([f"`{one.name}`", MARKS[one.status], one.note] for one in marked)
        )
        lines.append("")
    return lines


def names_section(title: str, side: str) -> list[str]:
    lines = [f"## {title}", ""]
    for module in modules_of(side):
        lines += module_section(module)
    return lines


def components_section() -> list[str]:
    content = read("components")
    lines = ["## Components", "", "Properties that many have:", ""]
    groups = [
        [name, ", ".join(f"`{key}`" for key in group)] for name, group in content["groups"].items()
    ]
    lines += table(["group", "properties"], groups)
    lines += ["", "All have the events `show` and `hide`.", ""]
    rows = []
    for one in listed_components():
        entry = content["components"][one.name]
        own = [*entry["groups"], *(f"`{key}`" for key in entry["properties"])]
        events = [f"`{name}`" for name in entry["events"]]
        methods = [f"`{name}`" for name in one.methods]
        rows.append([f"`{one.name}`", *(", ".join(part) for part in (own, events, methods))])
    return [*lines, *table(["component", "properties", "events", "methods"], rows), ""]


def window_section() -> list[str]:
    window = read("window")
    names = [name for name in window["names"].split() if name not in window["mixins"]]
    return [
        "## Names of `anvil.js.window`",
        "",
        "All that the browser has, by their names there, such as `document` in"
        f" `from anvil.js.window import document`. The {len(names)} of Anvil's stubs are tried.",
        "",
    ]


def list_section(title: str, rows: list[Row], text: str = "") -> list[str]:
    lines = [f"## {title}", "", *([text, ""] if text else [])]
    lines += table(["", "", ""], ([row.what, MARKS[row.status], row.note] for row in rows))
    return [*lines, ""]


def natives_section(rows: list[Row]) -> list[str]:
    lines = [
        "## Native functions",
        "",
        "What Anvil's Python calls on the server itself, below `anvil.private.`. Apps do not call"
        " these.",
        "",
    ]
    works = [row.what for row in rows if row.status == "works"]
    lines += [", ".join(works), ""]
    others = [row for row in rows if row.status != "works"]
    return [
        *lines,
        *table(["", "", ""], ([row.what, MARKS[row.status], row.note] for row in others)),
        "",
    ]


def render() -> str:
    areas = all_rows()
    ours = read("options")["ours"]
    more = ", ".join(f"`--{name}` ({what})" for name, what in ours.items())
    lines = [HEAD, *summary(areas), *behaviour_section(areas["Behaviour"])]
    lines += names_section("Browser Python", "browser")
    lines += components_section()
    lines += window_section()
    lines += names_section("Server Python", "server")
    for area in ("`anvil.yaml`", "Services of `anvil.yaml`", "Templates of forms"):
        lines += list_section(area, areas[area])
    text = f"On the command line, or as keys of a config file. Beyond Anvil's: {more}."
    lines += list_section("Options of the server", areas["Options of the server"], text)
    lines += list_section("Addresses", areas["Addresses"])
    lines += natives_section(areas["Native functions"])
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
