"""The commands that people and programs ran on the machine of the businesses."""

from __future__ import annotations

from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Choice, Items, Moment, Record, Text

from ..server_console.callables import TRUSTED_ONLY, server_callable
from ..server_console.paging import PAGE_RULES, read_page, search_words

STATES = ("running", "done", "failed", "killed")
MAX_COMMANDS = 500

REPORTED = Record(
    "A command",
    {
        "command_id": Text("Its id", max_chars=64, required=True),
        "ran_at": Moment("Time", required=True),
        "ran_by": Text("Who", max_chars=200, default=""),
        "words": Text("Words", max_chars=2_000, default=""),
        "state": Choice("State", STATES, required=True),
        "error": Text("Error", max_chars=2_000, multiline=True, default=""),
    },
)


# No entry in the audit log: this is one.
@server_callable(
    needs=TRUSTED_ONLY,
    takes={"commands": Items("The commands", REPORTED, max_items=MAX_COMMANDS, default=[])},
)
def report_commands(commands: list[dict[str, Any]]) -> dict[str, Any]:
    """Take over the newest commands; what was told before stays. ``{"new": how many}``."""
    return {"new": _take_over(commands)}


@in_transaction
def _take_over(commands: list[dict[str, Any]]) -> int:
    if not commands:
        return 0
    oldest = min(command["ran_at"] for command in commands)
    known = {
        row["command_id"]: row
        for row in app_tables.operator_commands.search(
            q.page_size(1_000), ran_at=q.greater_than_or_equal_to(oldest)
        )
    }
    new = []
    for command in commands:
        row = known.get(command["command_id"])
        if row is None:
            new.append(command)
        elif row["state"] != command["state"]:
            row.update(state=command["state"], error=command["error"])
    app_tables.operator_commands.add_rows(new)
    return len(new)


@server_callable(
    needs="fleet.view",
    takes={
        "search": Text("Search", max_chars=100, default=""),
        "state": Choice("State", STATES),
        **PAGE_RULES,
    },
)
def list_commands(
    search: str = "", state: str | None = None, offset: int = 0, page_size: int = 25
) -> dict[str, Any]:
    """One page of the commands, newest first: ``commands`` (``ran_at``, ``ran_by``, ``words``,
    ``state``, ``error``), ``total``, ``offset``."""
    condition: dict[str, Any] = {"state": state} if state else {}
    words = search_words(search)
    if words:
        condition["words"] = q.all_of(*words)
    rows, total = read_page(
        app_tables.operator_commands,
        [("ran_at", False)],
        condition,
        offset=offset,
        page_size=page_size,
    )
    names = ("ran_at", "ran_by", "words", "state", "error")
    commands = [{name: row[name] for name in names} for row in rows]
    return {"commands": commands, "total": total, "offset": offset}
