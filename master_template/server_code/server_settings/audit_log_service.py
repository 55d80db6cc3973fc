"""The audit log for those who may look at it: filtered and paged in the database, and as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import anvil
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_privacy.export_files import to_csv
from ..server_privacy.retention import KEPT
from ..server_shared import callables, clock
from ..server_shared.audit import Reads, add_details, declared_actions
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import AppError, InvalidError
from ..server_shared.validators import Day, Int, Record, Rule, Text

MAX_PAGE = 100
MAX_EXPORT_ROWS = 20_000
# Recorded by tasks and by what is part of something bigger, and so declared by no callable.
OTHER_ACTIONS = (
    "bulk_change.apply",
    "contact.link",
    "contacts.lifecycle",
    "segment.make_prebuilt",
    *(f"{kept.table}.retention" for kept in KEPT),
)
# What an entry was before and after is for those who may see such things.
PERMISSION_TO_SEE = {
    "booking": "bookings.view",
    "contact": "customers.view",
    "order": "products.view",
    "payment": "finance.view",
    "product": "products.view",
}
_WORD = re.compile(r"[a-z_]{1,60}")
CSV_COLUMNS = ["time", "person", "thing", "action", "id", "changes", "details", "ip_address"]


class Word(Rule):
    """The name of an action or of a kind of thing, as the log has it."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not _WORD.fullmatch(value):
            raise self.refuse("a word of the audit log", value)
        return value


def _filters() -> dict[str, Rule]:
    return {
        "person": Text("Person", max_chars=200, default=""),
        "action": Word("Action"),
        "resource_type": Word("Kind of thing"),
        "resource_id": Text("Number or address", max_chars=200, default=""),
        "since": Day("From"),
        "until": Day("Until"),
    }


FILTERS = Record("The filters", _filters(), default={})
QUERY = Record(
    "The query",
    {
        **_filters(),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
        "after": Text("Cursor", max_chars=200),
    },
    default={},
)


@server_callable(needs="settings.view", takes={"query": QUERY})
def list_audit_entries(query: dict[str, Any] | None = None) -> dict[str, Any]:
    """One page of the log, newest first.

    ``query`` has the keys of QUERY, all optional: ``person`` is any part of the e-mail address of
    who did it, ``since`` and ``until`` are days of the business, both included, and ``after`` is a
    cursor of an earlier answer. The answer: ``entries``, ``total`` that match, ``next`` (a cursor
    or None), and ``actions`` and ``resource_types``, words to filter by.

    An entry has ``logged_at``, ``person``, ``action``, ``resource_type``, ``resource_id``,
    ``ip_address``, ``is_hidden`` (whether the caller may not see the rest), ``changes``, a list of
    ``{"field", "before", "after"}``, and ``details``, a list of ``{"field", "value"}``.
    """
    wanted = QUERY.check(query or {})
    matching = _match(wanted)
    size = wanted["page_size"]
    moment, skip = _read_cursor(wanted["after"]) if wanted["after"] else (None, 0)
    conditions = [matching]
    if moment is not None:
        conditions.append(q.all_of(logged_at=q.less_than_or_equal_to(moment)))
    found = _search(*conditions, page_size=size + skip + 1)
    # Entries of one moment that were shown already are skipped.
    rows = list(islice(found, skip, skip + size + 1))
    shown = rows[:size]
    return {
        "entries": [_entry(row) for row in shown],
        "total": len(app_tables.audit_log.search(q.fetch_only("logged_at"), matching)),
        "next": _cursor(shown, moment, skip) if len(rows) > size else None,
        **_choices(),
    }


@server_callable(
    needs="settings.view",
    takes={"filters": FILTERS},
    audit=Reads("audit_log.export", noting=("filters",)),
)
def export_audit_log(filters: dict[str, Any] | None = None) -> dict[str, Any]:
    """``{"file": media, "rows": count}``: the entries that match, newest first, as CSV.

    Raises :class:`AppError` (``too_many_rows``) where there are more than MAX_EXPORT_ROWS.
    """
    matching = _match(FILTERS.check(filters or {}))
    rows = list(islice(_search(matching, page_size=500), MAX_EXPORT_ROWS + 1))
    if len(rows) > MAX_EXPORT_ROWS:
        raise AppError(
            f"These are more than {MAX_EXPORT_ROWS:,} entries. Please choose fewer days.",
            code="too_many_rows",
        )
    business = read_business()
    zone = ZoneInfo(business.time_zone)
    content = to_csv(CSV_COLUMNS, [_csv_row(_entry(row), zone) for row in rows])
    add_details(rows=len(rows))
    name = f"audit-log-{clock.now().astimezone(zone):%Y-%m-%d}.csv"
    return {"file": anvil.BlobMedia("text/csv", content, name=name), "rows": len(rows)}


def _search(*conditions: Any, page_size: int) -> Any:
    return app_tables.audit_log.search(
        tables.order_by("logged_at", ascending=False),
        q.page_size(page_size),
        q.all_of(*conditions),
    )


def _match(wanted: Mapping[str, Any]) -> Any:
    """The condition that cleaned filters stand for. Raises :class:`InvalidError` (``until``)."""
    columns: dict[str, Any] = {
        name: wanted[name] for name in ("action", "resource_type", "resource_id") if wanted[name]
    }
    if wanted["person"]:
        part = re.sub(r"([\\%_])", r"\\\1", wanted["person"])
        columns["user_email"] = q.ilike(f"%{part}%")
    since, until = wanted["since"], wanted["until"]
    if since and until and until < since:
        raise InvalidError("This is before the first day.", field="until")
    zone = ZoneInfo(read_business().time_zone)
    bounds = []
    if since:
        bounds.append(q.greater_than_or_equal_to(_midnight(since, zone)))
    if until and until < date.max:
        bounds.append(q.less_than(_midnight(until + timedelta(days=1), zone)))
    if bounds:
        columns["logged_at"] = q.all_of(*bounds)
    return q.all_of(**columns) if columns else q.all_of()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day of the business begins."""
    if not date(1970, 1, 1) <= day <= date(9000, 1, 1):
        raise InvalidError("Please choose a day between 1970 and 9000.", field="since")
    return datetime.combine(day, time_of_day(), zone).astimezone(UTC)


def _cursor(shown: list[Any], moment: datetime | None, skip: int) -> str:
    """Where the next page begins: after so many entries of the last one's moment."""
    last = shown[-1]["logged_at"]
    same = sum(1 for row in shown if row["logged_at"] == last)
    if moment is not None and last == moment:
        same += skip
    return json.dumps([last.astimezone(UTC).isoformat(), same])


def _read_cursor(text: str) -> tuple[datetime, int]:
    """The moment and count of a cursor. Whatever comes from outside is checked by type."""
    broken = InvalidError("This page's address is damaged. Please start from the first page.")
    try:
        moment, skip = json.loads(text)
        moment = datetime.fromisoformat(moment)
    except (ValueError, TypeError) as error:
        raise broken from error
    is_count = isinstance(skip, int) and not isinstance(skip, bool) and 0 <= skip <= 100_000
    if moment.tzinfo is None or not is_count:
        raise broken
    return moment, skip


def _choices() -> dict[str, list[str]]:
    """The words to filter by: what the callables declare."""
    names = {*OTHER_ACTIONS}
    for spec in callables.declared.values():
        names.update(declared_actions(spec.audit))
    parts = [name.split(".") for name in names]
    return {
        "resource_types": sorted({thing for thing, _ in parts}),
        "actions": sorted({action for _, action in parts}),
    }


def _entry(row: Any) -> dict[str, Any]:
    needed = PERMISSION_TO_SEE.get(row["resource_type"])
    is_hidden = needed is not None and not current_actor().may(needed)
    changes = {} if is_hidden else dict(row["changes"] or {})
    details = {} if is_hidden else dict(row["details"] or {})
    return {
        "logged_at": row["logged_at"],
        "person": row["user_email"],
        "action": row["action"],
        "resource_type": row["resource_type"],
        "resource_id": row["resource_id"],
        "ip_address": row["ip_address"],
        "is_hidden": is_hidden,
        "changes": [_change(name, value) for name, value in changes.items()],
        "details": [{"field": name, "value": _plain(value)} for name, value in details.items()],
    }


def _change(name: str, value: Any) -> dict[str, Any]:
    """One field. An erased one is a word, and no pair."""
    value = _plain(value)
    before, after = value if isinstance(value, list) and len(value) == 2 else (value, value)
    return {"field": name, "before": before, "after": after}


def _plain(value: Any) -> Any:
    """A part of a simple object as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _csv_row(entry: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    changes = [
        f"{each['field']}: {_as_text(each['before'])} → {_as_text(each['after'])}"
        for each in entry["changes"]
    ]
    details = [f"{each['field']}: {_as_text(each['value'])}" for each in entry["details"]]
    return {
        "time": entry["logged_at"].astimezone(zone).isoformat(timespec="seconds"),
        "person": entry["person"],
        "thing": entry["resource_type"],
        "action": entry["action"],
        "id": entry["resource_id"],
        "changes": "; ".join(changes),
        "details": "; ".join(details),
        "ip_address": entry["ip_address"],
    }


def _as_text(value: Any) -> str:
    if value is None:
        return "(nothing)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
