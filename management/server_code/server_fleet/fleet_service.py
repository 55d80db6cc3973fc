"""The businesses that run: the list, one of them, and sums over all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_shared import clock
from master_template.server_shared.errors import NotFoundError
from master_template.server_shared.validators import Bool, Choice, Text

from ..server_console.callables import server_callable
from ..server_console.paging import PAGE_RULES, read_page, search_words
from .fleet_fields import HEALTH_RANKS, INSTANCE_NAME, STOPPED, WELL, instance_item

OLD_BACKUP = timedelta(hours=24)
# An agent that reports every minute is missed after five.
AGENT_QUIET = timedelta(minutes=5)
SORTS: dict[str, tuple[tuple[str, bool], ...]] = {
    "name": (("name", True),),
    "health": (("health_rank", True), ("name", True)),
    "release": (("release_order", True), ("name", True)),
    "memory": (("memory_bytes", False), ("name", True)),
    "requests": (("requests", False), ("name", True)),
    "contacts": (("contacts", False), ("name", True)),
    "last_seen": (("last_seen_at", False), ("name", True)),
    "backup": (("backed_up_at", True), ("name", True)),
}


@server_callable(
    needs="fleet.view",
    takes={
        "search": Text("Search", max_chars=100, default=""),
        "health": Choice("Health", tuple(HEALTH_RANKS)),
        "release": Text("Release", max_chars=40),
        "old_backup": Bool("Old backup", default=False),
        "sort": Choice("Order", tuple(SORTS), default="name"),
        **PAGE_RULES,
    },
)
def list_instances(
    search: str = "",
    health: str | None = None,
    release: str | None = None,
    old_backup: bool = False,
    sort: str = "name",
    offset: int = 0,
    page_size: int = 25,
) -> dict[str, Any]:
    """One page of the instances that there are: ``instances`` (see ``instance_item``), ``total``
    and ``offset``. ``old_backup`` keeps those without a backup of the last day."""
    now = clock.now()
    condition: dict[str, Any] = {"removed_at": None}
    if health:
        condition["health"] = health
    if release:
        condition["release"] = release
    if old_backup:
        condition["backed_up_at"] = q.any_of(None, q.less_than(now - OLD_BACKUP))
    words = search_words(search)
    if words:
        condition["search_text"] = q.all_of(*words)
    rows, total = read_page(
        app_tables.fleet_instances, SORTS[sort], condition, offset=offset, page_size=page_size
    )
    return {
        "instances": [instance_item(row, now) for row in rows],
        "total": total,
        "offset": offset,
    }


@server_callable(needs="fleet.view")
def get_fleet() -> dict[str, Any]:
    """Sums over all instances: ``count``, ``health`` (``{word: how many}``), ``releases`` (a list
    of ``{"version", "count"}``, the newest first), ``old_backups``, ``memory_bytes``,
    ``database_bytes``, ``contacts``, and of the agent ``reported_at`` and ``is_agent_quiet``."""
    now = clock.now()
    columns = ("health", "release", "release_order", "backed_up_at", "memory_bytes")
    rows = app_tables.fleet_instances.search(
        q.fetch_only(*columns, "database_bytes", "contacts"), q.page_size(1_000), removed_at=None
    )
    health: Counter[str] = Counter()
    releases: Counter[tuple[int, str]] = Counter()
    sums: Counter[str] = Counter()
    old_backups = 0
    for row in rows:
        health[row["health"]] += 1
        releases[int(row["release_order"] or 0), row["release"]] += 1
        old_backups += row["backed_up_at"] is None or row["backed_up_at"] < now - OLD_BACKUP
        for name in ("memory_bytes", "database_bytes", "contacts"):
            sums[name] += int(row[name] or 0)
    return {
        "count": health.total(),
        "health": dict(health),
        "ailing": health.total() - health[WELL] - health[STOPPED],
        "releases": [
            {"version": version, "count": count}
            for (_, version), count in sorted(releases.items(), reverse=True)
        ],
        "old_backups": old_backups,
        **{name: sums[name] for name in ("memory_bytes", "database_bytes", "contacts")},
        **read_agent(now),
    }


def read_agent(now: datetime) -> dict[str, Any]:
    """Of the operator agents: ``reported_at`` of the newest report (None before the first), and
    ``is_agent_quiet``; ``agent_problem`` is why the last one could not report all."""
    newest = None
    problem = ""
    for row in app_tables.operator_agents.search():
        if row["reported_at"] is not None and (newest is None or row["reported_at"] > newest):
            newest, problem = row["reported_at"], row["problem"] or ""
    return {
        "reported_at": newest,
        "is_agent_quiet": newest is None or newest < now - AGENT_QUIET,
        "agent_problem": problem,
    }


def find_instance(name: str) -> Any:
    """The row of an instance. Raises :class:`NotFoundError`."""
    row = app_tables.fleet_instances.get(name=name)
    if row is None:
        raise NotFoundError(f"There is no business {name!r}.")
    return row


@server_callable(needs="fleet.view", takes={"name": INSTANCE_NAME})
def get_instance(name: str) -> dict[str, Any]:
    """``{"instance": ...}`` (see ``instance_item``), and what :func:`read_agent` tells."""
    now = clock.now()
    return {"instance": instance_item(find_instance(name), now), **read_agent(now)}
